#include "../ui.h"

void f(queue *q, int n) {
    tensor *t = tensor_new(3);
    if (n > 2)
        queue_push(q, t);
}
