/* global_0304.fixed.c: accepted, the corrected twin of global_0304.c. */
#include "../ui.h"

fh_owned tensor *f(void) {
    return tensor_new(3);
}
