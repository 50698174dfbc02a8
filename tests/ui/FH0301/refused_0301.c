/* refused_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

void f(queue *q, int n) {
    tensor *t = tensor_new(n);
    if (queue_offer(q, &t))
        return;
} //~ FH0301
