/* callback_0102.c: deed refuses it as FH0102, move out of a borrow. */
#include "../ui.h"

void visit(void *ctx, fh_ref const tensor *t) {
    queue *q = ctx;
    queue_push(q, (tensor *)t); //~ FH0102 FH0504
}
