/* e0382_0104.fixed.c: accepted, the corrected twin of e0382_0104.c. */
#include "../ui.h"

void f(queue *q, int n) {
    do {
        queue_push(q, tensor_new(3));
    } while (n-- > 0);
}
