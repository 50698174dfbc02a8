/* refused_0301.fixed.c: accepted, the corrected twin of refused_0301.c. */
#include "../ui.h"

void f(queue *q, int n) {
    tensor *t = tensor_new(n);
    if (queue_offer(q, &t))
        return;
    tensor_free(t);
}
