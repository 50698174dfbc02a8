#include "../ui.h"

void f(fh_move tensor *t) {
    tensor_sum(t);
    tensor_free(t);
}
