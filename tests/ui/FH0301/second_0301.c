/* second_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

fh_status f(int n, fh_owned tensor **out) {
    tensor *a = NULL, *b = NULL;
    FH_TRY(tensor_make(n, &a));
    FH_TRY(tensor_make(n, &b)); //~ FH0301
    tensor_add(a, b);
    tensor_free(b);
    *out = a;
    return FH_DONE;
}
