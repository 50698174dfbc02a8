/* started_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

void run(fh_mut void *ctx);

int f(fh_move tensor *t) {
    thread_start(run, t);
    return tensor_sum(t); //~ FH0101
}
