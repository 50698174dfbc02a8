/* alias_0103.c: deed refuses it as FH0103, moved out of a borrow and not restored. */
#include "../ui.h"

struct shelf {
    box *below;
};
void f(fh_mut struct shelf *s, queue *q, int n) {
    box *b = s->below;
    queue_push(q, b->inner);
    if (n > 3)
        s->below->inner = NULL;
} //~ FH0103
