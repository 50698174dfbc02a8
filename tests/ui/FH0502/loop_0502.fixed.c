/* loop_0502.fixed.c: accepted, the corrected twin of loop_0502.c. */
#include "../ui.h"

int f(fh_ref const tensor *t) {
    return tensor_sum(t);
}
