#include "../ui.h"

void f(int n) {
    tensor *t = tensor_new(3);
    if (n > 3)
        tensor_free(t);
    tensor_free(t);
}
