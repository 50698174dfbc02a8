/* goto_0402.fixed.c: accepted, the corrected twin of goto_0402.c. */
#include "../ui.h"

struct room {
    mutex m;
    fh_guarded(m) int guests;
};
fh_status f(fh_mut struct room *r, fh_ref const tensor *t) {
    mutex_lock(&r->m);
    fh_status s = tensor_check(t);
    if (fh_failed(s))
        goto out;
    r->guests++;
out:
    mutex_unlock(&r->m);
    return s;
}
