/* branch_0402.fixed.c: accepted, the corrected twin of branch_0402.c. */
#include "../ui.h"

void f(fh_mut mutex *m, int n) {
    mutex_lock(m);
    if (n > 3) {
        mutex_unlock(m);
        return;
    }
    mutex_unlock(m);
}
