/* never_0407.fixed.c: accepted, the corrected twin of never_0407.c. */
#include "../ui.h"

void f(fh_mut mutex *m) {
    mutex_lock(m);
    mutex_unlock(m);
}
