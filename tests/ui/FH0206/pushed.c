#include "../ui.h"

void f(queue *q) {
    tensor *t = tensor_new(3);
    const tensor *view = t;
    queue_push(q, t);
    tensor_sum(view);
}
