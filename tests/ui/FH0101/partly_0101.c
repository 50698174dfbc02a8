/* partly_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

void f(int n) {
    box *b = box_new(n);
    tensor_free(b->inner);
    box_free(b); //~ FH0101
}
