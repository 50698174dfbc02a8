/* wrong_0307.c: deed refuses it as FH0307, a possibly null owner is used without a check. */
#include "../ui.h"

int f(queue *q) {
    tensor *t = queue_pop(q);
    int sum = 0;
    if (t == NULL)
        sum = 1;
    sum = tensor_sum(t); //~ FH0307
    tensor_free(t);
    return sum;
}
