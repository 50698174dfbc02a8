/* goto_0102.c: deed refuses it as FH0102, move out of a borrow. */
#include "../ui.h"

fh_status f(fh_mut box *b, int n) {
    tensor *t = b->inner;
    if (t == NULL)
        return FH_DONE;
    fh_status s = tensor_check(t);
    if (fh_failed(s))
        goto out;
    b->inner = tensor_new(n);
out:
    tensor_free(t); //~ FH0102
    return s;
}
