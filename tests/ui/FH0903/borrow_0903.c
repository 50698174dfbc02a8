/* borrow_0903.c: deed refuses it as FH0903, too large to check. */
#include "../ui.h"

const int *pick(fh_ref const int *a, fh_ref const int *b, fh_ref const int *c, fh_ref const int *d, fh_ref const int *e,
                fh_ref const int *g, fh_ref const int *h, fh_ref const int *i, fh_ref const int *j) fh_view(1, 2, 3, 4);
int f(fh_ref const int *a, fh_ref const int *b, fh_ref const int *c, fh_ref const int *d, fh_ref const int *e,
      fh_ref const int *g, fh_ref const int *h, fh_ref const int *i, fh_ref const int *j, int n) {
    const int *low = n == 1 ? a : n == 2 ? b : n == 3 ? c : n == 4 ? d : e;
    const int *one = n > 8 ? j : n == 6 ? g : n == 7 ? h : n == 8 ? i : low; //~ FH0903
    return *one;
}
