/* cast_0303.fixed.c: accepted, the corrected twin of cast_0303.c. */
#include "../ui.h"

void f(queue *q) {
    tensor_free(queue_pop(q));
}
