/* turned_0302.fixed.c: accepted, the corrected twin of turned_0302.c. */
#include "../ui.h"

void fill(fh_mut box *b);
void f(int n) {
    box *b = box_new(n);
    fill(b);
    tensor_free(b->inner);
    b->inner = tensor_new(n);
    box_free(b);
}
