/* pointer_0203.fixed.c: accepted, the corrected twin of pointer_0203.c. */
#include "../ui.h"

int *f(fh_mut box *other) fh_view(1) {
    box *b = other;
    return &b->n;
}
