/* field_0204.fixed.c: accepted, the corrected twin of field_0204.c. */
#include "../ui.h"

void f(fh_mut box *b, fh_move tensor *t) {
    b->inner = t;
}
