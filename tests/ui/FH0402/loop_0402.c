/* loop_0402.c: deed refuses it as FH0402, a lock is not released on every path. */
#include "../ui.h"

int f(fh_mut mutex *m, queue *q, int n) {
    int sum = 0;
    for (int i = 0; i < n; i++) {
        mutex_lock(m);
        tensor *t = queue_pop(q);
        if (t == NULL)
            break;
        sum += tensor_sum(t);
        tensor_free(t);
        mutex_unlock(m);
    }
    return sum; //~ FH0402
}
