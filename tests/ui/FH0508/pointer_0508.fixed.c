/* pointer_0508.fixed.c: accepted, the corrected twin of pointer_0508.c. */
#include "../ui.h"

void f(int n) {
    tensor *t = NULL;
    if (n > 3)
        t = tensor_new(n);
    tensor_free(t);
}
