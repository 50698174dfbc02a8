/* pushed_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

void f(queue *q) {
    tensor *t = tensor_new(3);
    const tensor *view = t;
    queue_push(q, t);
    tensor_sum(view); //~ FH0206
}
