#include "../ui.h"

void f(queue *q, fh_drop box *b) {
    queue_push(q, b->inner);
}
