/* loop_0402.fixed.c: accepted, the corrected twin of loop_0402.c. */
#include "../ui.h"

int f(fh_mut mutex *m, queue *q, int n) {
    int sum = 0;
    for (int i = 0; i < n; i++) {
        mutex_lock(m);
        tensor *t = queue_pop(q);
        mutex_unlock(m);
        if (t == NULL)
            break;
        sum += tensor_sum(t);
        tensor_free(t);
    }
    return sum;
}
