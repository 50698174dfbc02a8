/* after_0404.c: deed refuses it as FH0404, a guarded field without its lock. */
#include "../ui.h"

struct room {
    mutex m;
    fh_guarded(m) int guests;
};
void f(fh_mut struct room *r) {
    mutex_lock(&r->m);
    r->guests = 2;
    mutex_unlock(&r->m);
    r->guests = 3; //~ FH0404
}
