/* goto_0301.fixed.c: accepted, the corrected twin of goto_0301.c. */
#include "../ui.h"

fh_status f(int n) {
    tensor *a = NULL, *b = NULL;
    fh_status s = tensor_make(n, &a);
    if (fh_failed(s))
        goto out;
    s = tensor_make(n, &b);
    if (fh_failed(s))
        goto out;
    tensor_add(a, b);
out:
    tensor_free(a);
    tensor_free(b);
    return s;
}
