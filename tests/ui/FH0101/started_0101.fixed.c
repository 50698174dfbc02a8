/* started_0101.fixed.c: accepted, the corrected twin of started_0101.c. */
#include "../ui.h"

void run(fh_mut void *ctx);

int f(fh_move tensor *t) {
    int sum = tensor_sum(t);
    thread_start(run, t);
    return sum;
}
