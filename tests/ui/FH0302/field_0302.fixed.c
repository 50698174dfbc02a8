/* field_0302.fixed.c: accepted, the corrected twin of field_0302.c. */
#include "../ui.h"

void f(int n) {
    box b = {.inner = tensor_new(n), .n = n};
    tensor_free(b.inner);
    b.inner = tensor_new(2);
    tensor_free(b.inner);
}
