/* cast_0510.fixed.c: accepted, the corrected twin of cast_0510.c. */
#include "../ui.h"

int f(fh_ref const tensor *t) {
    return tensor_sum(t);
}
