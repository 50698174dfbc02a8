/* promised_0402.fixed.c: accepted, the corrected twin of promised_0402.c. */
#include "../ui.h"

void leave(fh_mut mutex *m, int n) fh_unlocks(1);
void leave(mutex *m, int n) {
    if (n > 3)
        look("left");
    mutex_unlock(m);
}
