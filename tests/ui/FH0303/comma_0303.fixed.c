/* comma_0303.fixed.c: accepted, the corrected twin of comma_0303.c. */
#include "../ui.h"

int f(queue *q, int n) {
    tensor_free(queue_pop(q));
    return n;
}
