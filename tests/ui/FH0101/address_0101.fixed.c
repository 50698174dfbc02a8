/* address_0101.fixed.c: accepted, the corrected twin of address_0101.c. */
#include "../ui.h"

int f(int n) {
    box a = {.inner = tensor_new(n), .n = n};
    box *p = &a;
    int sum = tensor_sum(p->inner);
    tensor_free(a.inner);
    return sum;
}
