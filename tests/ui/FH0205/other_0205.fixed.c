/* other_0205.fixed.c: accepted, the corrected twin of other_0205.c. */
#include "../ui.h"

const char *f(fh_ref const tensor *a, fh_ref const tensor *b) fh_view(2);
const char *f(fh_ref const tensor *a, fh_ref const tensor *b) {
    tensor_sum(a);
    return tensor_name(b);
}
