/* truth_0306.fixed.c: accepted, the corrected twin of truth_0306.c. */
#include "../ui.h"

_Bool f(queue *q, fh_out int *out) {
    tensor *t = queue_pop(q);
    if (t == NULL)
        return 0;
    *out = tensor_sum(t);
    tensor_free(t);
    return 1;
}
