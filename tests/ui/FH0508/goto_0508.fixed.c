/* goto_0508.fixed.c: accepted, the corrected twin of goto_0508.c. */
#include "../ui.h"

void f(int n) {
    tensor *t = NULL;
    if (n > 3)
        goto out;
    t = tensor_new(n);
out:
    tensor_free(t);
}
