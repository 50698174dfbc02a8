/* same_0202.fixed.c: accepted, the corrected twin of same_0202.c. */
#include "../ui.h"

void f(fh_mut tensor *t) {
    tensor *copy = tensor_new(3);
    tensor_add(t, copy);
    tensor_free(copy);
}
