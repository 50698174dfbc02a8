#include "../ui.h"

void f(void) {
    tensor *t = tensor_new(3);
    thread_give(t);
}
