/* required_0403.c: deed refuses it as FH0403, a lock is taken twice. */
#include "../ui.h"

struct room {
    mutex m;
    fh_guarded(m) int guests;
};
void f(fh_mut struct room *r) fh_requires(r->m);
void f(fh_mut struct room *r) {
    mutex_lock(&r->m); //~ FH0403
    r->guests++;
    mutex_unlock(&r->m);
}
