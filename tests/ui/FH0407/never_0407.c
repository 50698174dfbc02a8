/* never_0407.c: deed refuses it as FH0407, a lock is released that is not held. */
#include "../ui.h"

void f(fh_mut mutex *m) {
    mutex_unlock(m); //~ FH0407
}
