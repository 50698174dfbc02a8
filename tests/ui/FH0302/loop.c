#include "../ui.h"

void f(int n) {
    tensor *t = NULL;
    for (int i = 0; i < n; i++) {
        t = tensor_new(i);
    }
    tensor_free(t);
}
