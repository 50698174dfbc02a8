/* parameter_0301.fixed.c: accepted, the corrected twin of parameter_0301.c. */
#include "../ui.h"

void f(fh_move tensor *t) {
    tensor_sum(t);
    tensor_free(t);
}
