#include "../ui.h"

void f(int n) {
    tensor *t = NULL;
    for (int i = 0; i < n; i++) {
        tensor_free(t);
        t = tensor_new(i);
    }
    tensor_free(t);
}
