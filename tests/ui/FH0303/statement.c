#include "../ui.h"

void f(void) {
    tensor_new(3);
}
