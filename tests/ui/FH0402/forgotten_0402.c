/* forgotten_0402.c: deed refuses it as FH0402, a lock is not released on every path. */
#include "../ui.h"

void f(fh_mut mutex *m) {
    mutex_lock(m);
} //~ FH0402
