/* checked_0301.fixed.c: accepted, the corrected twin of checked_0301.c. */
#include "../ui.h"

fh_status f(int n, fh_owned tensor **out) {
    tensor *t = tensor_new(n);
    fh_status s = n > 3 ? tensor_check(t) : FH_DONE;
    if (fh_failed(s))
        tensor_free(t);
    else
        *out = t;
    return s;
}
