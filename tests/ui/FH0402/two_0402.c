/* two_0402.c: deed refuses it as FH0402, a lock is not released on every path. */
#include "../ui.h"

void f(fh_mut mutex *a, fh_mut mutex *b) {
    mutex_lock(a);
    mutex_lock(b);
    mutex_unlock(a);
} //~ FH0402
