/* either_0206.fixed.c: accepted, the corrected twin of either_0206.c. */
#include "../ui.h"

int f(fh_mut tensor *a, fh_mut tensor *b, int n) {
    const char *name = tensor_name(n > 3 ? a : b);
    int first = *name;
    tensor_grow(b, n);
    return first;
}
