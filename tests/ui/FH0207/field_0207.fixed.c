/* field_0207.fixed.c: accepted, the corrected twin of field_0207.c. */
#include "../ui.h"

void f(fh_mut box *b) {
    tensor_grow(b->inner, 3);
}
