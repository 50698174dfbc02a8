#include "../ui.h"

void f(int n) {
    tensor *t;
    if (n > 3)
        t = tensor_new(n);
    tensor_free(t);
}
