/* global_0304.fixed.c: accepted, the corrected twin of global_0304.c. */
#include "../ui.h"

static int count;
void f(void) {
    tensor *t = tensor_new(3);
    count = tensor_sum(t);
    tensor_free(t);
}
