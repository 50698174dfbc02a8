/* twice_0407.fixed.c: accepted, the corrected twin of twice_0407.c. */
#include "../ui.h"

void f(fh_mut mutex *m, int n) {
    mutex_lock(m);
    if (n > 3)
        n = 3;
    mutex_unlock(m);
}
