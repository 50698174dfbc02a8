/* switch_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

int f(queue *q, int kind) {
    tensor *t = tensor_new(kind);
    switch (kind) {
    case 1:
        queue_push(q, t);
        break;
    case 2:
        tensor_free(t);
        return 2;
    default:
        tensor_grow(t, 3);
    }
    int sum = tensor_sum(t); //~ FH0101
    tensor_free(t);
    return sum;
}
