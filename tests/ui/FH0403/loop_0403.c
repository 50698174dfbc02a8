/* loop_0403.c: deed refuses it as FH0403, a lock is taken twice. */
#include "../ui.h"

void f(fh_mut mutex *m, int n) {
    for (int i = 0; i < n; i++) {
        mutex_lock(m); //~ FH0403
        if (i < 3)
            mutex_unlock(m);
    }
    mutex_unlock(m); //~ FH0407
}
