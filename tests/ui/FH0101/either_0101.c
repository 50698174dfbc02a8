/* either_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

void f(queue *q, int n) {
    tensor *a = tensor_new(1);
    tensor *b = n > 2 ? a : tensor_new(2);
    queue_push(q, b);
    tensor_grow(a, n); //~ FH0101
    tensor_free(a);
}
