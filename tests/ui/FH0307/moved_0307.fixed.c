/* moved_0307.fixed.c: accepted, the corrected twin of moved_0307.c. */
#include "../ui.h"

void f(queue *q, queue *other) {
    tensor *t = queue_pop(q);
    if (t != NULL)
        queue_push(other, t);
}
