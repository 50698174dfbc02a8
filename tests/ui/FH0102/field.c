#include "../ui.h"

void f(queue *q, fh_ref const box *b) {
    queue_push(q, b->inner);
}
