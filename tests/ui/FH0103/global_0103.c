/* global_0103.c: deed refuses it as FH0103, moved out of a borrow and not restored. */
#include "../ui.h"

static _Thread_local fh_owned_or_null tensor *kept;
void f(queue *q) {
    queue_push(q, kept);
} //~ FH0103
