/* goto_0102.fixed.c: accepted, the corrected twin of goto_0102.c. */
#include "../ui.h"

fh_status f(fh_mut box *b, int n) {
    tensor *t = b->inner;
    b->inner = NULL;
    if (t == NULL)
        return FH_DONE;
    fh_status s = tensor_check(t);
    if (fh_failed(s))
        goto out;
    b->inner = tensor_new(n);
out:
    tensor_free(t);
    return s;
}
