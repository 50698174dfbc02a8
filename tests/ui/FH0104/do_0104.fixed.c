/* do_0104.fixed.c: accepted, the corrected twin of do_0104.c. */
#include "../ui.h"

void f(queue *q, int n) {
    tensor *t = tensor_new(3);
    do {
        queue_push(q, t);
        t = tensor_new(3);
        n--;
    } while (n > 0);
    tensor_free(t);
}
