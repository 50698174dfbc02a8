#include "../ui.h"

void f(fh_mut box *b) {
    b->plain = tensor_new(3);
}
