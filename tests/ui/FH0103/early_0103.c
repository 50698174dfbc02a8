/* early_0103.c: deed refuses it as FH0103, moved out of a borrow and not restored. */
#include "../ui.h"

fh_status f(fh_mut box *b, int n) {
    tensor_free(b->inner);
    if (n > 2)
        return FH_STATUS(FH_INVALID); //~ FH0103
    b->inner = tensor_new(n);
    return FH_DONE;
}
