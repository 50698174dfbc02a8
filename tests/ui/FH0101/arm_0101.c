/* arm_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

int f(queue *q, int n) {
    tensor *a = tensor_new(n), *b = tensor_new(n);
    queue_push(q, n > 3 ? a : b);
    int sum = tensor_sum(a); //~ FH0101
    tensor_free(b); //~ FH0101
    return sum;
}
