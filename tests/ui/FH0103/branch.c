#include "../ui.h"

void f(queue *q, fh_mut box *b, int n) {
    tensor_free(b->inner);
    if (n > 2)
        b->inner = tensor_new(n);
}
