/* array_0401.c: deed refuses it as FH0401, a borrow crosses to another thread. */
#include "../ui.h"

void run(fh_mut void *ctx);
void f(int n) {
    int all[4] = {0};
    all[0] = n;
    thread_start(run, all); //~ FH0401
}
