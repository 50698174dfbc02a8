/* arm_0301.fixed.c: accepted, the corrected twin of arm_0301.c. */
#include "../ui.h"

fh_owned_or_null tensor *f(int n) {
    return n > 3 ? NULL : tensor_new(n);
}
