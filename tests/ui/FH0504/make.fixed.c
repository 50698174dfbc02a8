#include "../ui.h"

void f(fh_ref const tensor *t) {
    tensor_sum(t);
}
