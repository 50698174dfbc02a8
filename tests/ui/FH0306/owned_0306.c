/* owned_0306.c: deed refuses it as FH0306, an output is not written before a successful return. */
#include "../ui.h"

fh_status f(int n, fh_owned tensor **out) {
    if (n > 3)
        return FH_DONE; //~ FH0306
    *out = tensor_new(n);
    return FH_DONE;
}
