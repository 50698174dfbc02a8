/* loop_0407.c: deed refuses it as FH0407, a lock is released that is not held. */
#include "../ui.h"

void f(fh_mut mutex *m, int n) {
    mutex_lock(m);
    for (int i = 0; i < n; i++)
        mutex_unlock(m); //~ FH0407
} //~ FH0402
