/* pointer_0306.c: deed refuses it as FH0306, an output is not written before a successful return. */
#include "../ui.h"

fh_or_null const char *f(fh_ref const tensor *t, fh_owned tensor **copy) fh_view(1) {
    if (tensor_sum(t) == 0)
        return NULL; //~ FH0306
    *copy = tensor_new(1);
    return tensor_name(t);
}
