/* failed_0301.c: deed refuses it as FH0301, an output is written, and then the function fails. */
#include "../ui.h"

fh_status f(int n, fh_owned tensor **out) {
    *out = tensor_new(n);
    if (n > 3)
        return FH_STATUS(FH_INVALID); //~ FH0301
    return FH_DONE;
}
