#include "../ui.h"

void f(queue *q, int n) {
    tensor *t = tensor_new(3);
    for (int i = 0; i < n; i++)
        queue_push(q, t);
}
