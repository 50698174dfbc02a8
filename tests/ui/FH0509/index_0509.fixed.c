/* index_0509.fixed.c: accepted, the corrected twin of index_0509.c. */
#include "../ui.h"

int f(fh_ref const int *at, int i) {
    FH_UNSAFE("example");
    return at[i];
}
