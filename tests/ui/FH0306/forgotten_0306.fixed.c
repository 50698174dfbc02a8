/* forgotten_0306.fixed.c: accepted, the corrected twin of forgotten_0306.c. */
#include "../ui.h"

fh_status f(int n, fh_out int *out) {
    if (n > 3)
        *out = n;
    else
        *out = 3;
    return FH_DONE;
}
