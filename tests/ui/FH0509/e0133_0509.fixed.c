/* e0133_0509.fixed.c: accepted, the corrected twin of e0133_0509.c. */
#include "../ui.h"

int f(fh_ref const int *at) {
    FH_UNSAFE("example");
    return at[1];
}
