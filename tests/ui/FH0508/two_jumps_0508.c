/* two_jumps_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

int f(fh_mut queue *q, int n) {
    if (n < 0)
        goto out;
    tensor *t = queue_pop(q);
    if (n > 3)
        goto out;
    n++;
out:
    tensor_free(t); //~ FH0508
    return n;
}
