/* part_0202.c: deed refuses it as FH0202, borrowed exclusively and again in one call. */
#include "../ui.h"

void merge(fh_mut box *b, fh_mut int *n);
void f(fh_mut box *b) {
    merge(b, &b->n); //~ FH0202
}
