/* loop_0307.fixed.c: accepted, the corrected twin of loop_0307.c. */
#include "../ui.h"

int f(queue *q, int n) {
    int sum = 0;
    for (int i = 0; i < n; i++) {
        tensor *t = queue_pop(q);
        if (t == NULL)
            break;
        sum += tensor_sum(t);
        tensor_free(t);
    }
    return sum;
}
