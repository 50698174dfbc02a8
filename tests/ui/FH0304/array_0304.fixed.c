/* array_0304.fixed.c: accepted, the corrected twin of array_0304.c. */
#include "../ui.h"

void f(queue *q) {
    queue_push(q, tensor_new(3));
}
