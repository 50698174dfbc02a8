#include "../ui.h"

void f(fh_mut tensor *t) {
    const char *name = tensor_name(t);
    look(name);
    tensor_grow(t, 9);
}
