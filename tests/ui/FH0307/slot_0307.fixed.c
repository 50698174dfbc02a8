/* slot_0307.fixed.c: accepted, the corrected twin of slot_0307.c. */
#include "../ui.h"

void f(fh_mut queue *q, int n) {
    tensor *t = tensor_try(n);
    if (t != NULL)
        queue_offer(q, &t);
    tensor_free(t);
}
