#include "../ui.h"

void f(void) {
    tensor *t = tensor_new(3);
    tensor_free(t);
    t = NULL;
    tensor_free(t);
}
