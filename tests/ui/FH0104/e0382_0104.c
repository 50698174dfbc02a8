/* e0382_0104.c: deed refuses it as FH0104, moved in an earlier round of the loop. */
#include "../ui.h"

void f(queue *q, int n) {
    tensor *t = tensor_new(3);
    do {
        queue_push(q, t); //~ FH0104
    } while (n-- > 0);
}
