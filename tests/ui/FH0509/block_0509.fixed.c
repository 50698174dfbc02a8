/* block_0509.fixed.c: accepted, the corrected twin of block_0509.c. */
#include "../ui.h"

int f(fh_ref const int *at, int i) {
    int n = 0;
    FH_UNSAFE("example");
    if (i > 3)
        n = at[i];
    return n + at[0];
}
