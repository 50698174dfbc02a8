/* branch_0302.c: deed refuses it as FH0302, an assignment overwrites an owned value. */
#include "../ui.h"

void f(queue *q, int n) {
    tensor *t = tensor_new(n);
    if (n > 3)
        queue_push(q, t);
    t = tensor_new(2); //~ FH0302
    tensor_free(t);
}
