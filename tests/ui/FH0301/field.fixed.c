#include "../ui.h"

void f(int n) {
    box b = {.inner = tensor_new(n), .n = n};
    if (b.n > 3)
        b.n = 3;
    tensor_free(b.inner);
}
