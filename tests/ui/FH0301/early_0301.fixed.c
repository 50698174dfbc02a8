/* early_0301.fixed.c: accepted, the corrected twin of early_0301.c. */
#include "../ui.h"

fh_status f(int n) {
    tensor *t;
    FH_TRY(tensor_make(n, &t));
    fh_status s = tensor_check(t);
    tensor_free(t);
    return s;
}
