/* dropped_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

void f(queue *q) {
    tensor *t = tensor_new(3);
    queue_push(q, t);
    tensor_free(t); //~ FH0101
}
