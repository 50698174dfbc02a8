/* address_0404.fixed.c: accepted, the corrected twin of address_0404.c. */
#include "../ui.h"

struct room {
    mutex m;
    fh_guarded(m) int guests;
};
void count(fh_mut int *n);
void f(fh_mut struct room *r) {
    mutex_lock(&r->m);
    count(&r->guests);
    mutex_unlock(&r->m);
}
