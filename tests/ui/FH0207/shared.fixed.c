#include "../ui.h"

void f(fh_mut tensor *t) {
    tensor_grow(t, 3);
}
