/* lock_0901.fixed.c: accepted, the corrected twin of lock_0901.c. */
#include "../ui.h"

struct room {
    mutex first;
};
void f(fh_mut struct room *r) {
    mutex_lock(&r->first);
    mutex_unlock(&r->first);
}
