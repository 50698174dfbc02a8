/* pointer_0306.fixed.c: accepted, the corrected twin of pointer_0306.c. */
#include "../ui.h"

fh_or_null const char *f(fh_ref const tensor *t, fh_owned tensor **copy) fh_view(1) {
    *copy = tensor_new(1);
    if (tensor_sum(t) == 0)
        return NULL;
    return tensor_name(t);
}
