/* chain_0101.fixed.c: accepted, the corrected twin of chain_0101.c. */
#include "../ui.h"

struct shelf {
    box *below;
};
int f(fh_mut struct shelf *s, queue *q) {
    box *b = s->below;
    int sum = tensor_sum(s->below->inner);
    queue_push(q, b->inner);
    b->inner = NULL;
    return sum;
}
