/* field_0304.fixed.c: accepted, the corrected twin of field_0304.c. */
#include "../ui.h"

void f(fh_mut box *b) {
    b->inner = tensor_new(3);
}
