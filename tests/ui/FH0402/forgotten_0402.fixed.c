/* forgotten_0402.fixed.c: accepted, the corrected twin of forgotten_0402.c. */
#include "../ui.h"

void f(fh_mut mutex *m) {
    mutex_lock(m);
    mutex_unlock(m);
}
