/* switch_0101.fixed.c: accepted, the corrected twin of switch_0101.c. */
#include "../ui.h"

int f(queue *q, int kind) {
    tensor *t = tensor_new(kind);
    switch (kind) {
    case 1:
        queue_push(q, t);
        return 1;
    case 2:
        tensor_free(t);
        return 2;
    default:
        tensor_grow(t, 3);
    }
    int sum = tensor_sum(t);
    tensor_free(t);
    return sum;
}
