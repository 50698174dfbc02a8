/* e0382_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

int f(queue *q) {
    tensor *t = tensor_new(3);
    queue_push(q, t);
    return tensor_sum(t); //~ FH0101
}
