/* either_0101.fixed.c: accepted, the corrected twin of either_0101.c. */
#include "../ui.h"

void f(queue *q, int n) {
    tensor *b = n > 2 ? tensor_new(1) : tensor_new(2);
    tensor_grow(b, n);
    queue_push(q, b);
}
