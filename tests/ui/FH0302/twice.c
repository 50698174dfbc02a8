#include "../ui.h"

void f(void) {
    tensor *t = tensor_new(3);
    t = tensor_new(4);
    tensor_free(t);
}
