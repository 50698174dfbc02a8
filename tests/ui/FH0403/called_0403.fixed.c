/* called_0403.fixed.c: accepted, the corrected twin of called_0403.c. */
#include "../ui.h"

void enter(fh_mut mutex *m) fh_locks(1);
void f(fh_mut mutex *m) {
    enter(m);
    mutex_unlock(m);
}
