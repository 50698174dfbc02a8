/* joined_0903.c: deed refuses it as FH0903, too large to check. */
#include "../ui.h"

int f(fh_mut queue *q, int n) {
    tensor *a = tensor_new(1), *b = tensor_new(2), *c = tensor_new(3), *d = tensor_new(4), *e = tensor_new(5);
    tensor *g = tensor_new(6), *h = tensor_new(7), *i = tensor_new(8), *j = tensor_new(9);
    const tensor *seen = a;
    switch (n) {
    case 1: seen = b; break; //~ FH0903
    case 2: seen = c; break;
    case 3: seen = d; break;
    case 4: seen = e; break;
    case 5: seen = g; break;
    case 6: seen = h; break;
    case 7: seen = i; break;
    case 8: seen = j; break;
    }
    int sum = tensor_sum(seen);
    queue_push(q, a), queue_push(q, b), queue_push(q, c), queue_push(q, d), queue_push(q, e);
    queue_push(q, g), queue_push(q, h), queue_push(q, i), queue_push(q, j);
    return sum;
}
