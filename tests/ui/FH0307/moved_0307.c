/* moved_0307.c: deed refuses it as FH0307, a possibly null owner is used without a check. */
#include "../ui.h"

void f(queue *q, queue *other) {
    tensor *t = queue_pop(q);
    queue_push(other, t); //~ FH0307
}
