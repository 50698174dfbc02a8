/* cleanup_0902.c: deed refuses it as FH0902, a jump backwards. */
#include "../ui.h"

fh_status f(int n) {
    tensor *t = NULL;
    goto start;
out:
    tensor_free(t);
    return FH_DONE;
start:
    t = tensor_new(n);
    goto out; //~ FH0902
}
