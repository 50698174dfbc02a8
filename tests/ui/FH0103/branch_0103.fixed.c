/* branch_0103.fixed.c: accepted, the corrected twin of branch_0103.c. */
#include "../ui.h"

void f(queue *q, fh_mut box *b, int n) {
    tensor_free(b->inner);
    b->inner = NULL;
    if (n > 2)
        b->inner = tensor_new(n);
}
