/* call_0404.fixed.c: accepted, the corrected twin of call_0404.c. */
#include "../ui.h"

struct room {
    mutex m;
    fh_guarded(m) int guests;
};
void enter(fh_mut struct room *r) fh_requires(r->m);
void enter(fh_mut struct room *r) {
    r->guests = r->guests + 1;
}
void f(fh_mut struct room *r) {
    mutex_lock(&r->m);
    enter(r);
    mutex_unlock(&r->m);
}
