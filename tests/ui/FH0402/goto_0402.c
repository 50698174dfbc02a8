/* goto_0402.c: deed refuses it as FH0402, a lock is not released on every path. */
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
    mutex_unlock(&r->m);
out:
    return s; //~ FH0402
}
