#include "../ui.h"

void f(int n) {
    if (n > 3)
        goto out;
    tensor *t = tensor_new(n);
out:
    tensor_free(t);
}
