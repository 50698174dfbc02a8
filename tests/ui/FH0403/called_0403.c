/* called_0403.c: deed refuses it as FH0403, a lock is taken twice. */
#include "../ui.h"

void enter(fh_mut mutex *m) fh_locks(1);
void f(fh_mut mutex *m) {
    mutex_lock(m);
    enter(m); //~ FH0403
    mutex_unlock(m);
}
