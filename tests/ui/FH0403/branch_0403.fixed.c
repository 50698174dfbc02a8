/* branch_0403.fixed.c: accepted, the corrected twin of branch_0403.c. */
#include "../ui.h"

void f(fh_mut mutex *m, int n) {
    if (n > 3) {
        mutex_lock(m);
        mutex_unlock(m);
    }
    n++;
    mutex_lock(m);
    mutex_unlock(m);
}
