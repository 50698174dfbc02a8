/* assigned_0206.fixed.c: accepted, the corrected twin of assigned_0206.c. */
#include "../ui.h"

int f(int n) {
    tensor *t = tensor_new(n);
    tensor_free(t);
    t = tensor_new(2);
    const tensor *seen = t;
    int sum = tensor_sum(seen);
    tensor_free(t);
    return sum;
}
