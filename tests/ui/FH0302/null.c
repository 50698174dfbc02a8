#include "../ui.h"

void f(void) {
    tensor *t = tensor_new(3);
    t = NULL;
    tensor_free(t);
}
