/* e0106_0205.fixed.c: accepted, the corrected twin of e0106_0205.c. */
#include "../ui.h"

const char *f(fh_ref const tensor *a, fh_ref const tensor *b, int n) fh_view(1, 2);
const char *f(fh_ref const tensor *a, fh_ref const tensor *b, int n) {
    return n > 3 ? tensor_name(a) : tensor_name(b);
}
