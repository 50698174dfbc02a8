/* whole_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

int g(fh_ref const box *b);
int f(queue *q, int n) {
    box b = {.inner = tensor_new(n), .n = n};
    queue_push(q, b.inner);
    return box_sum(&b); //~ FH0101
}
