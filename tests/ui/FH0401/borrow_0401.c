/* borrow_0401.c: deed refuses it as FH0401, a borrow crosses to another thread. */
#include "../ui.h"

void f(fh_mut tensor *t) {
    thread_start(0, t); //~ FH0401
}
