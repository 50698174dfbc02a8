#include "../ui.h"

void f(void) {
    tensor_free(tensor_new(3));
}
