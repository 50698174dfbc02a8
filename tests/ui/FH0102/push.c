#include "../ui.h"

void f(queue *q, fh_mut tensor *t) {
    queue_push(q, t);
}
