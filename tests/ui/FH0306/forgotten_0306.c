/* forgotten_0306.c: deed refuses it as FH0306, an output is not written before a successful return. */
#include "../ui.h"

fh_status f(int n, fh_out int *out) {
    if (n > 3)
        *out = n;
    return FH_DONE; //~ FH0306
}
