/* inner_0510.fixed.c: accepted, the corrected twin of inner_0510.c. */
#include "../ui.h"

int f(fh_ref const int *at, int n) {
    if (n > 3)
        n = *at;
    return n;
}
