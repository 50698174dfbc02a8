/* branch_0404.fixed.c: accepted, the corrected twin of branch_0404.c. */
#include "../ui.h"

struct room {
    mutex m;
    fh_guarded(m) int guests;
};
int f(fh_mut struct room *r, int n) {
    mutex_lock(&r->m);
    int guests = r->guests + n;
    mutex_unlock(&r->m);
    return guests;
}
