/* branch_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

void f(queue *q, int n) {
    tensor *t = tensor_new(3);
    if (n > 2)
        queue_push(q, t);
} //~ FH0301
