/* assigned_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

int f(int n) {
    tensor *t = tensor_new(n);
    const tensor *seen = t;
    tensor_free(t);
    t = tensor_new(2);
    int sum = tensor_sum(seen); //~ FH0206
    tensor_free(t);
    return sum;
}
