/* arm_0101.fixed.c: accepted, the corrected twin of arm_0101.c. */
#include "../ui.h"

int f(queue *q, int n) {
    tensor *a = tensor_new(n), *b = tensor_new(n);
    int sum = tensor_sum(a);
    queue_push(q, a);
    queue_push(q, b);
    return sum;
}
