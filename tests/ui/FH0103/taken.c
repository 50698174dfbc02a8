#include "../ui.h"

void f(queue *q, fh_mut box *b) {
    queue_push(q, b->inner);
}
