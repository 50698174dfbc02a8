/* given_0401.c: deed refuses it as FH0401, a borrow crosses to another thread. */
#include "../ui.h"

void f(fh_ref tensor *t) {
    thread_give(t); //~ FH0401 FH0102
}
