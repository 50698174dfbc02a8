/* two_jumps_0508.fixed.c: accepted, the corrected twin of two_jumps_0508.c. */
#include "../ui.h"

int f(fh_mut queue *q, int n) {
    tensor *t = NULL;
    if (n < 0)
        goto out;
    t = queue_pop(q);
    if (n > 3)
        goto out;
    n++;
out:
    tensor_free(t);
    return n;
}
