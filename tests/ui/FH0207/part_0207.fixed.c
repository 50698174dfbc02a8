/* part_0207.fixed.c: accepted, the corrected twin of part_0207.c. */
#include "../ui.h"

void set(fh_mut int *n);
int f(fh_mut box *b) {
    set(&b->n);
    return b->n;
}
