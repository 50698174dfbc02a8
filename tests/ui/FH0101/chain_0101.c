/* chain_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

struct shelf {
    box *below;
};
int f(fh_mut struct shelf *s, queue *q) {
    box *b = s->below;
    queue_push(q, b->inner);
    int sum = tensor_sum(s->below->inner); //~ FH0101
    b->inner = NULL;
    return sum;
}
