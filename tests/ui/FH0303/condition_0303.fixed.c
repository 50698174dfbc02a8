/* condition_0303.fixed.c: accepted, the corrected twin of condition_0303.c. */
#include "../ui.h"

int f(queue *q) {
    tensor *t = queue_pop(q);
    int any = t != NULL;
    tensor_free(t);
    return any;
}
