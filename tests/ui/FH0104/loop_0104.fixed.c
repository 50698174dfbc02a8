/* loop_0104.fixed.c: accepted, the corrected twin of loop_0104.c. */
#include "../ui.h"

void f(queue *q, int n) {
    tensor *t = tensor_new(3);
    queue_push(q, t);
    for (int i = 0; i < n; i++)
        queue_push(q, tensor_new(i));
}
