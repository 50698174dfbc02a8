/* global_0103.fixed.c: accepted, the corrected twin of global_0103.c. */
#include "../ui.h"

static _Thread_local fh_owned_or_null tensor *kept;
void f(queue *q) {
    queue_push(q, kept);
    kept = NULL;
}
