/* promised_0404.fixed.c: accepted, the corrected twin of promised_0404.c. */
#include "../ui.h"

void enter(fh_mut mutex *m, int n) fh_locks(1);
void enter(mutex *m, int n) {
    if (n > 3)
        look("entered");
    mutex_lock(m);
}
