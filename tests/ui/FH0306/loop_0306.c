/* loop_0306.c: deed refuses it as FH0306, an output is not written before a successful return. */
#include "../ui.h"

fh_status f(queue *q, int n, fh_out int *out) {
    for (int i = 0; i < n; i++) {
        tensor *t = queue_pop(q);
        if (t == NULL)
            break;
        *out = tensor_sum(t);
        tensor_free(t);
    }
    return FH_DONE; //~ FH0306
}
