/* taken_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

int f(queue *q) {
    tensor *t = queue_pop(q);
    if (t == NULL)
        return 0;
    int sum = tensor_sum(t);
    return sum; //~ FH0301
}
