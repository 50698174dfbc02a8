/* field_0101.fixed.c: accepted, the corrected twin of field_0101.c. */
#include "../ui.h"

int f(queue *q) {
    box b = {.inner = tensor_new(1), .n = 2};
    int sum = tensor_sum(b.inner);
    queue_push(q, b.inner);
    return sum;
}
