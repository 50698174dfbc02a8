/* moved_0206.fixed.c: accepted, the corrected twin of moved_0206.c. */
#include "../ui.h"

int f(queue *q, fh_drop box *b) {
    if (b == NULL)
        return 0;
    const tensor *seen = b->inner;
    int sum = tensor_sum(seen);
    queue_push(q, b->inner);
    return sum;
}
