/* twice_0407.c: deed refuses it as FH0407, a lock is released that is not held. */
#include "../ui.h"

void f(fh_mut mutex *m, int n) {
    mutex_lock(m);
    if (n > 3)
        mutex_unlock(m);
    mutex_unlock(m); //~ FH0407
}
