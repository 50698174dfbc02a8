#include "../ui.h"

int f(void) {
    tensor *t = tensor_new(3);
    tensor_free(t);
    return tensor_sum(t);
}
