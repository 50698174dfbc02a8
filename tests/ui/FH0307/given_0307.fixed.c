/* given_0307.fixed.c: accepted, the corrected twin of given_0307.c. */
#include "../ui.h"

int f(fh_ref fh_or_null const tensor *t) {
    return t == NULL ? 0 : tensor_sum(t);
}
