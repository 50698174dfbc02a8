/* field_0205.fixed.c: accepted, the corrected twin of field_0205.c. */
#include "../ui.h"

const int *f(fh_ref const box *b) fh_view(1);
const int *f(fh_ref const box *b) {
    return &b->n;
}
