/* part_0202.fixed.c: accepted, the corrected twin of part_0202.c. */
#include "../ui.h"

void merge(fh_mut box *b, fh_mut int *n);
void f(fh_mut box *b) {
    int n = b->n;
    merge(b, &n);
}
