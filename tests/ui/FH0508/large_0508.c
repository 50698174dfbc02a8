/* large_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

struct large {
    int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q;
};

int f(void) {
    struct large all;
    return all.q; //~ FH0508
}
