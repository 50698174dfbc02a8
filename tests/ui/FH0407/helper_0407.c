/* helper_0407.c: deed refuses it as FH0407, a lock is released that is not held. */
#include "../ui.h"

void leave(fh_mut mutex *m) fh_unlocks(1);
void f(fh_mut mutex *m) {
    leave(m); //~ FH0407
}
