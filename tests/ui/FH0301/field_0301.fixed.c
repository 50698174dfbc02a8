/* field_0301.fixed.c: accepted, the corrected twin of field_0301.c. */
#include "../ui.h"

void f(int n) {
    box b = {.inner = tensor_new(n), .n = n};
    if (b.n > 3)
        b.n = 3;
    tensor_free(b.inner);
}
