/* e0499_0206.fixed.c: accepted, the corrected twin of e0499_0206.c. */
#include "../ui.h"

tensor *part(fh_mut box *b, int n) fh_view(1);
void f(fh_mut box *b) {
    tensor *first = part(b, 1);
    tensor_grow(first, 1);
    tensor *second = part(b, 2);
    tensor_grow(second, 1);
}
