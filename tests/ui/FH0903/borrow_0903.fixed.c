/* borrow_0903.fixed.c: accepted, the corrected twin of borrow_0903.c. */
#include "../ui.h"

int f(fh_ref const int *a, fh_ref const int *b, fh_ref const int *c, fh_ref const int *d, int n) {
    const int *one = n == 1 ? a : n == 2 ? b : n == 3 ? c : d;
    return *one;
}
