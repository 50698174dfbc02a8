/* pushed_0206.fixed.c: accepted, the corrected twin of pushed_0206.c. */
#include "../ui.h"

void f(queue *q) {
    tensor *t = tensor_new(3);
    const tensor *view = t;
    tensor_sum(view);
    queue_push(q, t);
}
