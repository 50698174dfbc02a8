/* taken_0103.fixed.c: accepted, the corrected twin of taken_0103.c. */
#include "../ui.h"

void f(queue *q, fh_mut box *b) {
    queue_push(q, b->inner);
    b->inner = NULL;
}
