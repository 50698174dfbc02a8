/* view_0207.fixed.c: accepted, the corrected twin of view_0207.c. */
#include "../ui.h"

void f(fh_mut box *b) {
    tensor *t = b->inner;
    tensor_grow(t, 3);
}
