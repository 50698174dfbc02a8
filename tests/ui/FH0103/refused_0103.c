/* refused_0103.c: deed refuses it as FH0103, moved out of a borrow and not restored. */
#include "../ui.h"

_Bool f(fh_move tensor **t) {
    _Bool good = tensor_sum(*t) > 0;
    tensor_free(*t);
    *t = NULL;
    if (!good)
        return 0; //~ FH0103
    return 1;
}
