/* loop_0306.fixed.c: accepted, the corrected twin of loop_0306.c. */
#include "../ui.h"

fh_status f(queue *q, int n, fh_out int *out) {
    *out = 0;
    for (int i = 0; i < n; i++) {
        tensor *t = queue_pop(q);
        if (t == NULL)
            break;
        *out = tensor_sum(t);
        tensor_free(t);
    }
    return FH_DONE;
}
