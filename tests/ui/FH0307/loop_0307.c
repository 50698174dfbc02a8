/* loop_0307.c: deed refuses it as FH0307, a possibly null owner is used without a check. */
#include "../ui.h"

int f(queue *q, int n) {
    int sum = 0;
    for (int i = 0; i < n; i++) {
        tensor *t = queue_pop(q);
        sum += tensor_sum(t); //~ FH0307
        tensor_free(t);
    }
    return sum;
}
