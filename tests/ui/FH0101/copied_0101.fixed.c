/* copied_0101.fixed.c: accepted, the corrected twin of copied_0101.c. */
#include "../ui.h"

int f(int n) {
    box a = {.inner = tensor_new(n), .n = n};
    box b = a;
    int sum = tensor_sum(b.inner);
    tensor_free(b.inner);
    return sum;
}
