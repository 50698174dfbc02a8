/* whole_0101.fixed.c: accepted, the corrected twin of whole_0101.c. */
#include "../ui.h"

int f(queue *q, int n) {
    box b = {.inner = tensor_new(n), .n = n};
    int sum = box_sum(&b);
    queue_push(q, b.inner);
    return sum;
}
