/* made_0302.fixed.c: accepted, the corrected twin of made_0302.c. */
#include "../ui.h"

void f(int n) {
    box *b = box_new(n);
    tensor *old = b->inner;
    b->inner = tensor_new(n);
    tensor_free(old);
    box_free(b);
}
