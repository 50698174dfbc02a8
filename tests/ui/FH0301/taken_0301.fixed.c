/* taken_0301.fixed.c: accepted, the corrected twin of taken_0301.c. */
#include "../ui.h"

int f(queue *q) {
    tensor *t = queue_pop(q);
    if (t == NULL)
        return 0;
    int sum = tensor_sum(t);
    tensor_free(t);
    return sum;
}
