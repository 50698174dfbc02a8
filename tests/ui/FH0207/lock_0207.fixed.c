/* lock_0207.fixed.c: accepted, the corrected twin of lock_0207.c. */
#include "../ui.h"

struct room {
    mutex m;
};
void f(fh_mut struct room *r) {
    mutex_lock(&r->m);
    mutex_unlock(&r->m);
}
