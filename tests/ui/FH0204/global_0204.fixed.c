/* global_0204.fixed.c: accepted, the corrected twin of global_0204.c. */
#include "../ui.h"

int f(fh_ref const tensor *t) {
    return tensor_sum(t);
}
