#include "../ui.h"

void f(queue *q, int n) {
    tensor *t = tensor_new(3);
    do {
        queue_push(q, t);
        n--;
    } while (n > 0);

}
