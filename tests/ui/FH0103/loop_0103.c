/* loop_0103.c: deed refuses it as FH0103, moved out of a borrow and not restored. */
#include "../ui.h"

void f(queue *q, fh_mut box *b, int n) {
    for (int i = 0; i < n; i++) {
        queue_push(q, b->inner); //~ FH0104
        b->inner = tensor_new(i);
        if (i == 7)
            queue_push(q, b->inner);
    }
} //~ FH0103
