/* loop_0407.fixed.c: accepted, the corrected twin of loop_0407.c. */
#include "../ui.h"

void f(fh_mut mutex *m, int n) {
    for (int i = 0; i < n; i++) {
        mutex_lock(m);
        mutex_unlock(m);
    }
}
