/* rounds_0903.c: deed refuses it as FH0903, too large to check. */
#include "../ui.h"

#define SHIFT(a, b, c, d, e, f, g) a = b, b = c, c = d, d = e, e = f, f = g
int f(int n) {
    const int *a = &n, *b = a, *c = a, *d = a, *e = a, *g = a, *h = a, *i = a, *j = a, *k = a, *l = a, *m = a, *o = a;
    const int *p = a, *q = a, *r = a, *s = a, *t = a, *u = a, *v = a, *w = a, *x = a, *y = a, *z = a;
    const int *aa = a, *bb = a, *cc = a, *dd = a, *ee = a, *ff = a, *gg = a;
    int last = n;
    while (n-- > 0) { //~ FH0903
        SHIFT(a, b, c, d, e, g, h);
        SHIFT(h, i, j, k, l, m, o);
        SHIFT(o, p, q, r, s, t, u);
        SHIFT(u, v, w, x, y, z, aa);
        SHIFT(aa, bb, cc, dd, ee, ff, gg);
        gg = &last;
    }
    return *a;
}
