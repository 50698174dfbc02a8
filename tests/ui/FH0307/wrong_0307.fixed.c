/* wrong_0307.fixed.c: accepted, the corrected twin of wrong_0307.c. */
#include "../ui.h"

int f(queue *q) {
    tensor *t = queue_pop(q);
    int sum = 0;
    if (t != NULL)
        sum = 1;
    if (t != NULL)
        sum = tensor_sum(t);
    tensor_free(t);
    return sum;
}
