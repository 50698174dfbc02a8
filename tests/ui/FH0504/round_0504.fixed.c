/* round_0504.fixed.c: accepted, the corrected twin of round_0504.c. */
#include "../ui.h"

int f(fh_ref const tensor *t) {
    const tensor *again = t;
    return tensor_sum(again);
}
