/* continue_0104.fixed.c: accepted, the corrected twin of continue_0104.c. */
#include "../ui.h"

void f(queue *q, int n) {
    tensor *t = tensor_new(n);
    while (n > 0) {
        n--;
        if (n == 3) {
            queue_push(q, t);
            return;
        }
        tensor_grow(t, n);
    }
    tensor_free(t);
}
