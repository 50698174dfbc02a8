/* after_0404.fixed.c: accepted, the corrected twin of after_0404.c. */
#include "../ui.h"

struct room {
    mutex m;
    fh_guarded(m) int guests;
};
void f(fh_mut struct room *r) {
    mutex_lock(&r->m);
    r->guests = 2;
    r->guests = 3;
    mutex_unlock(&r->m);
}
