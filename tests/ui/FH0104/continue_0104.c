/* continue_0104.c: deed refuses it as FH0104, moved in an earlier round of the loop. */
#include "../ui.h"

void f(queue *q, int n) {
    tensor *t = tensor_new(n);
    while (n > 0) {
        n--;
        if (n == 3) {
            queue_push(q, t); //~ FH0104
            continue;
        }
        tensor_grow(t, n); //~ FH0101
    }
    tensor_free(t); //~ FH0101
}
