/* refused_0103.fixed.c: accepted, the corrected twin of refused_0103.c. */
#include "../ui.h"

_Bool f(fh_move tensor **t) {
    _Bool good = tensor_sum(*t) > 0;
    if (!good)
        return 0;
    tensor_free(*t);
    *t = NULL;
    return 1;
}
