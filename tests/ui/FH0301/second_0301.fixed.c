/* second_0301.fixed.c: accepted, the corrected twin of second_0301.c. */
#include "../ui.h"

fh_status f(int n, fh_owned tensor **out) {
    tensor *a = NULL, *b = NULL;
    FH_TRY(tensor_make(n, &a));
    fh_status s = tensor_make(n, &b);
    if (fh_failed(s)) {
        tensor_free(a);
        return s;
    }
    tensor_add(a, b);
    tensor_free(b);
    *out = a;
    return FH_DONE;
}
