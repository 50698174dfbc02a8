/* global_0204.fixed.c: accepted, the corrected twin of global_0204.c. */
#include "../ui.h"

static int last;
void f(fh_ref const tensor *t) {
    last = tensor_sum(t);
}
