/* early_0402.c: deed refuses it as FH0402, a lock is not released on every path. */
#include "../ui.h"

fh_status f(fh_mut mutex *m, fh_ref const tensor *t) {
    mutex_lock(m);
    FH_TRY(tensor_check(t)); //~ FH0402
    mutex_unlock(m);
    return FH_DONE;
}
