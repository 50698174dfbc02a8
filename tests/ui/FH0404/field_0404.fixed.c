/* field_0404.fixed.c: accepted, the corrected twin of field_0404.c. */
#include "../ui.h"

struct room {
    mutex m;
    fh_guarded(m) int guests;
};
int f(fh_mut struct room *r) {
    mutex_lock(&r->m);
    int n = r->guests;
    mutex_unlock(&r->m);
    return n;
}
