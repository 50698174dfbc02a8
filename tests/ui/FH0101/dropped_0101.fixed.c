/* dropped_0101.fixed.c: accepted, the corrected twin of dropped_0101.c. */
#include "../ui.h"

void f(queue *q) {
    tensor *t = tensor_new(3);
    queue_push(q, t);
}
