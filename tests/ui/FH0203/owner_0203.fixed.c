/* owner_0203.fixed.c: accepted, the corrected twin of owner_0203.c. */
#include "../ui.h"

const char *f(fh_ref const tensor *t) fh_view(1);
const char *f(fh_ref const tensor *t) {
    return tensor_name(t);
}
