/* twice_0403.c: deed refuses it as FH0403, a lock is taken twice. */
#include "../ui.h"

void f(fh_mut mutex *m) {
    mutex_lock(m);
    mutex_lock(m); //~ FH0403
    mutex_unlock(m);
}
