/* taken_0103.c: deed refuses it as FH0103, moved out of a borrow and not restored. */
#include "../ui.h"

void f(queue *q, fh_mut box *b) {
    queue_push(q, b->inner);
} //~ FH0103
