/* made_0302.c: deed refuses it as FH0302, an assignment overwrites an owned value. */
#include "../ui.h"

void f(int n) {
    box *b = box_new(n);
    b->inner = tensor_new(n); //~ FH0302
    box_free(b);
}
