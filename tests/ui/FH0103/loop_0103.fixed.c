/* loop_0103.fixed.c: accepted, the corrected twin of loop_0103.c. */
#include "../ui.h"

void f(queue *q, fh_mut box *b, int n) {
    for (int i = 0; i < n; i++) {
        queue_push(q, b->inner);
        b->inner = tensor_new(i);
    }
}
