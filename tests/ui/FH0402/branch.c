#include "../ui.h"

void f(fh_mut mutex *m, int n) {
    mutex_lock(m);
    if (n > 3)
        return;
    mutex_unlock(m);
}
