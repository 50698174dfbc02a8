/* two_0402.fixed.c: accepted, the corrected twin of two_0402.c. */
#include "../ui.h"

void f(fh_mut mutex *a, fh_mut mutex *b) {
    mutex_lock(a);
    mutex_lock(b);
    mutex_unlock(b);
    mutex_unlock(a);
}
