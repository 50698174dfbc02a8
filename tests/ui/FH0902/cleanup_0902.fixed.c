/* cleanup_0902.fixed.c: accepted, the corrected twin of cleanup_0902.c. */
#include "../ui.h"

fh_status f(int n) {
    tensor *t = NULL;
    t = tensor_new(n);
    tensor_free(t);
    return FH_DONE;
}
