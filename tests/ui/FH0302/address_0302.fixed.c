/* address_0302.fixed.c: accepted, the corrected twin of address_0302.c. */
#include "../ui.h"

void f(int n) {
    box a = {.inner = tensor_new(n), .n = n};
    box *p = &a;
    tensor_free(p->inner);
    p->inner = NULL;
}
