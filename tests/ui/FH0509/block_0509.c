/* block_0509.c: deed refuses it as FH0509, raw memory outside an unsafe region. */
#include "../ui.h"

int f(fh_ref const int *at, int i) {
    int n = 0;
    if (i > 3) {
        FH_UNSAFE("example");
        n = at[i];
    }
    return n + at[0]; //~ FH0509
}
