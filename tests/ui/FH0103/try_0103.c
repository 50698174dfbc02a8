/* try_0103.c: deed refuses it as FH0103, moved out of a borrow and not restored. */
#include "../ui.h"

fh_status f(fh_mut box *b, int n) {
    tensor *old = b->inner;
    tensor *t;
    tensor_free(old);
    FH_TRY(tensor_make(n, &t)); //~ FH0103
    b->inner = t;
    return FH_DONE;
}
