/* e0277_0401.c: deed refuses it as FH0401, a borrow crosses to another thread. */
#include "../ui.h"

void run(fh_mut void *ctx);
void f(fh_mut queue *shared, fh_move tensor *t) {
    queue_push(shared, t);
    thread_start(run, shared); //~ FH0401
}
