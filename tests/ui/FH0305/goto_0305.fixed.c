/* goto_0305.fixed.c: accepted, the corrected twin of goto_0305.c. */
#include "../ui.h"

fh_status f(int n) {
    tensor *t = tensor_new(n);
    fh_status s = tensor_check(t);
    if (s.code != FH_OK) {
        goto out;
    }
    tensor_grow(t, 3);
out:
    tensor_free(t);
    return s;
}
