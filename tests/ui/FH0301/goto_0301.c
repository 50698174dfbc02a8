/* goto_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
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
    return s; //~ FH0301
}
