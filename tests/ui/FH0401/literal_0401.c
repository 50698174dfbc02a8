/* literal_0401.c: deed refuses it as FH0401, a borrow crosses to another thread. */
#include "../ui.h"

void run(fh_mut void *ctx);
void f(void) {
    thread_start(run, &(int){1}); //~ FH0401
}
