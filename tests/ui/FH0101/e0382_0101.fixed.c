/* e0382_0101.fixed.c: accepted, the corrected twin of e0382_0101.c. */
#include "../ui.h"

int f(queue *q) {
    tensor *t = tensor_new(3);
    int sum = tensor_sum(t);
    queue_push(q, t);
    return sum;
}
