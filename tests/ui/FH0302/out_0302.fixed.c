/* out_0302.fixed.c: accepted, the corrected twin of out_0302.c. */
#include "../ui.h"

fh_status f(int n) {
    tensor *t = tensor_new(n);
    tensor_free(t);
    FH_TRY(tensor_make(n, &t));
    tensor_free(t);
    return FH_DONE;
}
