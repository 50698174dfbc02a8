/* parameter_0102.fixed.c: accepted, the corrected twin of parameter_0102.c. */
#include "../ui.h"

void f(fh_ref const tensor *t, fh_drop tensor *u) {
    tensor_sum(t);
    tensor_free(u);
}
