/* miss_relayed.c: missed: the status of another call, which may be a success, is returned without the output being written. */
#include "../ui.h"

fh_status f(fh_ref const tensor *t, fh_owned tensor **out) {
    if (tensor_sum(t) > 3)
        return tensor_check(t); //~ FH0306
    *out = tensor_new(1);
    return FH_DONE;
}
