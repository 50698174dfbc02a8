/* truth_0306.c: deed refuses it as FH0306, an output is not written before a successful return. */
#include "../ui.h"

_Bool f(queue *q, fh_out int *out) {
    tensor *t = queue_pop(q);
    if (t == NULL)
        return 1; //~ FH0306
    *out = tensor_sum(t);
    tensor_free(t);
    return 1;
}
