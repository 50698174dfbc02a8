/* branch_0403.c: deed refuses it as FH0403, a lock is taken twice. */
#include "../ui.h"

void f(fh_mut mutex *m, int n) {
    if (n > 3)
        mutex_lock(m);
    n++;
    mutex_lock(m); //~ FH0403
    mutex_unlock(m);
}
