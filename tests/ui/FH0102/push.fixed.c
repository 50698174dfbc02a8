#include "../ui.h"

void f(queue *q, fh_move tensor *t) {
    queue_push(q, t);
}
