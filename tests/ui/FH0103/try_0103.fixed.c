/* try_0103.fixed.c: accepted, the corrected twin of try_0103.c. */
#include "../ui.h"

fh_status f(fh_mut box *b, int n) {
    tensor *old = b->inner;
    tensor *t;
    FH_TRY(tensor_make(n, &t));
    tensor_free(old);
    b->inner = t;
    return FH_DONE;
}
