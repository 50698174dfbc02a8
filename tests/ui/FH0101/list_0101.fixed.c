/* list_0101.fixed.c: accepted, the corrected twin of list_0101.c. */
#include "../ui.h"

int f(int n) {
    tensor *t = tensor_new(n);
    box b = {.inner = t, .n = n};
    int sum = tensor_sum(b.inner);
    tensor_free(b.inner);
    return sum;
}
