/* helper_0407.fixed.c: accepted, the corrected twin of helper_0407.c. */
#include "../ui.h"

void leave(fh_mut mutex *m) fh_unlocks(1);
void leave(fh_mut mutex *m) {
    mutex_unlock(m);
}
void f(fh_mut mutex *m) {
    mutex_lock(m);
    leave(m);
}
