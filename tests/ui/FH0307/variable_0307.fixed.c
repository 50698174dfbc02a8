/* variable_0307.fixed.c: accepted, the corrected twin of variable_0307.c. */
#include "../ui.h"

void f(int n) {
    tensor *t = tensor_new(n);
    if (n > 3)
        tensor_grow(t, n);
    tensor_free(t);
}
