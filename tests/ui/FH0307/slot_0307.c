/* slot_0307.c: deed refuses it as FH0307, a possibly null owner is used without a check. */
#include "../ui.h"

void f(fh_mut queue *q, int n) {
    tensor *t = tensor_try(n);
    queue_offer(q, &t); //~ FH0307
    tensor_free(t);
}
