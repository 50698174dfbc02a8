/* early_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

fh_status f(int n) {
    tensor *t;
    FH_TRY(tensor_make(n, &t));
    FH_TRY(tensor_check(t)); //~ FH0301
    tensor_free(t);
    return FH_DONE;
}
