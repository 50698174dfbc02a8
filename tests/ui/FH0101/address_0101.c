/* address_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

int f(int n) {
    box a = {.inner = tensor_new(n), .n = n};
    box *p = &a;
    tensor_free(p->inner);
    return tensor_sum(a.inner); //~ FH0101
}
