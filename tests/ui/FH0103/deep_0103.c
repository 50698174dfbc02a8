/* deep_0103.c: deed refuses it as FH0103, moved out of a borrow and not restored. */
#include "../ui.h"

struct shelf {
    box *below;
};
void f(fh_mut struct shelf *s, queue *q) {
    queue_push(q, s->below->inner);
} //~ FH0103
