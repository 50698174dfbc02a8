/* goto_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

void f(int n) {
    if (n > 3)
        goto out;
    tensor *t = tensor_new(n);
out:
    tensor_free(t); //~ FH0508
}
