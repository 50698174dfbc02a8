#include "../ui.h"

void f(fh_mut mutex *m) {
    mutex_lock(m);
    mutex_unlock(m);
}
