/* field_0102.c: deed refuses it as FH0102, move out of a borrow. */
#include "../ui.h"

void f(queue *q, fh_ref const box *b) {
    if (b == NULL)
        return;
    queue_push(q, b->inner); //~ FH0102
}
