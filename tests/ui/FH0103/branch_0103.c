/* branch_0103.c: deed refuses it as FH0103, moved out of a borrow and not restored. */
#include "../ui.h"

void f(queue *q, fh_mut box *b, int n) {
    tensor_free(b->inner);
    if (n > 2)
        b->inner = tensor_new(n);
} //~ FH0103
