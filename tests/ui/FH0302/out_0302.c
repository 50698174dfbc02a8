/* out_0302.c: deed refuses it as FH0302, an assignment overwrites an owned value. */
#include "../ui.h"

fh_status f(int n) {
    tensor *t = tensor_new(n);
    FH_TRY(tensor_make(n, &t)); //~ FH0302
    tensor_free(t);
    return FH_DONE;
}
