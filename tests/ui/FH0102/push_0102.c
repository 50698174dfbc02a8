/* push_0102.c: deed refuses it as FH0102, move out of a borrow. */
#include "../ui.h"

void f(queue *q, fh_mut tensor *t) {
    queue_push(q, t); //~ FH0102
}
