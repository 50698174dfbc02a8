/* e0373_0401.c: deed refuses it as FH0401, a borrow crosses to another thread. */
#include "../ui.h"

void run(fh_mut void *ctx);
void f(int n) {
    box b = {.n = n};
    thread_start(run, &b); //~ FH0401
}
