/* failed_0301.fixed.c: accepted, the corrected twin of failed_0301.c. */
#include "../ui.h"

fh_status f(int n, fh_owned tensor **out) {
    if (n > 3)
        return FH_STATUS(FH_INVALID);
    *out = tensor_new(n);
    return FH_DONE;
}
