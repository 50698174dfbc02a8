#include "../ui.h"

static int last;
void f(fh_ref const tensor *t) {
    last = tensor_sum(t);
}
