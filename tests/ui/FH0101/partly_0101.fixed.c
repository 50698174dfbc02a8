/* partly_0101.fixed.c: accepted, the corrected twin of partly_0101.c. */
#include "../ui.h"

void f(int n) {
    box *b = box_new(n);
    tensor_free(b->inner);
    b->inner = NULL;
    box_free(b);
}
