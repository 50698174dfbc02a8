/* promised_0402.c: deed refuses it as FH0402, a function that promises to release a lock keeps it. */
#include "../ui.h"

void leave(fh_mut mutex *m, int n) fh_unlocks(1);
void leave(mutex *m, int n) {
    if (n > 3)
        return; //~ FH0402
    mutex_unlock(m);
}
