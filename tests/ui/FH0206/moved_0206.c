/* moved_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

int f(queue *q, fh_drop box *b) {
    if (b == NULL)
        return 0;
    const tensor *seen = b->inner;
    queue_push(q, b->inner);
    return tensor_sum(seen); //~ FH0206
}
