#include "../ui.h"

void f(fh_mut box *b) {
    b->inner = tensor_new(3);
}
