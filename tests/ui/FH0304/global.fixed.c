#include "../ui.h"

static int count;
void f(void) {
    tensor *t = tensor_new(3);
    count = tensor_sum(t);
    tensor_free(t);
}
