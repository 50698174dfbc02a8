/* through_0204.fixed.c: accepted, the corrected twin of through_0204.c. */
#include "../ui.h"

void tensor_link(fh_mut tensor *t);
static _Thread_local tensor *last;

void f(fh_mut box *b, fh_mut tensor *t) {
    box *same = b;
    if (same->plain != NULL && t != NULL)
        tensor_link(same->plain);
}
