/* early_0103.fixed.c: accepted, the corrected twin of early_0103.c. */
#include "../ui.h"

fh_status f(fh_mut box *b, int n) {
    tensor_free(b->inner);
    b->inner = NULL;
    if (n > 2)
        return FH_STATUS(FH_INVALID);
    b->inner = tensor_new(n);
    return FH_DONE;
}
