#include "../ui.h"

void f(fh_mut tensor *t) {
    tensor_add(t, t);
}
