/* refilled_0101.fixed.c: accepted, the corrected twin of refilled_0101.c. */
#include "../ui.h"

int f(fh_mut queue *q) {
    tensor *t = tensor_new(3);
    queue_push(q, t);
    fh_status s = tensor_make(3, &t);
    if (!fh_failed(s))
        tensor_free(t);
    return fh_failed(s);
}
