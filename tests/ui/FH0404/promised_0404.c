/* promised_0404.c: deed refuses it as FH0404, a function that promises to take a lock does not. */
#include "../ui.h"

void enter(fh_mut mutex *m, int n) fh_locks(1);
void enter(mutex *m, int n) {
    if (n > 3)
        mutex_lock(m);
} //~ FH0404
