/* branch_0301.fixed.c: accepted, the corrected twin of branch_0301.c. */
#include "../ui.h"

void f(queue *q, int n) {
    tensor *t = tensor_new(3);
    if (n > 2)
        queue_push(q, t);
    else
        tensor_free(t);
}
