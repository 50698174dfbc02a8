#include "../ui.h"

void f(queue *q) {
    tensor *t = tensor_new(3);
    queue_push(q, t);
    look(tensor_name(t));
}
