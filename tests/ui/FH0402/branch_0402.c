/* branch_0402.c: deed refuses it as FH0402, a lock is not released on every path. */
#include "../ui.h"

void f(fh_mut mutex *m, int n) {
    mutex_lock(m);
    if (n > 3)
        return; //~ FH0402
    mutex_unlock(m);
}
