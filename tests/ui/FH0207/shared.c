#include "../ui.h"

void f(fh_ref tensor *t) {
    tensor_grow(t, 3);
}
