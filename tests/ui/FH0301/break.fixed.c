#include "../ui.h"

void f(int n) {
    for (int i = 0; i < n; i++) {
        tensor *t = tensor_new(i);
        if (tensor_sum(t) > 3) {
            tensor_free(t);
            break;
        }
        tensor_free(t);
    }
}
