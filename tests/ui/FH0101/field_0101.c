/* field_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

int f(queue *q) {
    box b = {.inner = tensor_new(1), .n = 2};
    queue_push(q, b.inner);
    return tensor_sum(b.inner); //~ FH0101
}
