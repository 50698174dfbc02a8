/* push_0102.fixed.c: accepted, the corrected twin of push_0102.c. */
#include "../ui.h"

void f(queue *q, fh_move tensor *t) {
    queue_push(q, t);
}
