#include "../ui.h"

void f(queue *q) {
    tensor_free(queue_pop(q));
}
