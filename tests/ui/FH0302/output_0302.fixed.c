/* output_0302.fixed.c: accepted, the corrected twin of output_0302.c. */
#include "../ui.h"

void f(int n, fh_owned tensor **out) {
    *out = tensor_new(n);
    while (n-- > 3) {
        tensor_free(*out);
        *out = tensor_new(n);
    }
}
