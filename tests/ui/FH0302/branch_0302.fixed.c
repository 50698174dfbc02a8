/* branch_0302.fixed.c: accepted, the corrected twin of branch_0302.c. */
#include "../ui.h"

void f(queue *q, int n) {
    tensor *t = tensor_new(n);
    if (n > 3)
        queue_push(q, t);
    else
        tensor_free(t);
    t = tensor_new(2);
    tensor_free(t);
}
