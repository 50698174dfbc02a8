/* early_0402.fixed.c: accepted, the corrected twin of early_0402.c. */
#include "../ui.h"

fh_status f(fh_mut mutex *m, fh_ref const tensor *t) {
    mutex_lock(m);
    fh_status s = tensor_check(t);
    mutex_unlock(m);
    return s;
}
