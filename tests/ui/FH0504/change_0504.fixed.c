/* change_0504.fixed.c: accepted, the corrected twin of change_0504.c. */
#include "../ui.h"

int f(fh_ref const tensor *t) {
    return tensor_sum(t);
}
