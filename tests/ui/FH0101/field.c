#include "../ui.h"

int f(queue *q) {
    box b = {.inner = tensor_new(1), .n = 2};
    queue_push(q, b.inner);
    return tensor_sum(b.inner);
}
