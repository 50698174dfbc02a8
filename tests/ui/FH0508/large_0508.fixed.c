/* large_0508.fixed.c: accepted, the corrected twin of large_0508.c. */
#include "../ui.h"

struct large {
    int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q;
};

int f(void) {
    struct large all = {0};
    return all.q;
}
