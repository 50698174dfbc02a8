/* e0277_0401.fixed.c: accepted, the corrected twin of e0277_0401.c. */
#include "../ui.h"

void run_queue(fh_send fh_move queue *q);
void f(fh_move queue *q, fh_move tensor *t) {
    queue_push(q, t);
    run_queue(q);
}
