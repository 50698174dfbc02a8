/* turned_0302.c: deed refuses it as FH0302, an assignment overwrites an owned value. */
#include "../ui.h"

void fill(fh_mut box *b);
void f(int n) {
    box *b = box_new(n);
    tensor_free(b->inner);
    b->inner = NULL;
    fill(b);
    b->inner = tensor_new(n); //~ FH0302
    box_free(b);
}
