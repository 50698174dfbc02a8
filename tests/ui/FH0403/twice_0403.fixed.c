/* twice_0403.fixed.c: accepted, the corrected twin of twice_0403.c. */
#include "../ui.h"

void f(fh_mut mutex *m) {
    mutex_lock(m);
    mutex_unlock(m);
}
