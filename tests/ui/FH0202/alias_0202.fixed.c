/* alias_0202.fixed.c: accepted, the corrected twin of alias_0202.c. */
#include "../ui.h"

void f(fh_mut tensor *t) {
    tensor *u = tensor_new(1);
    tensor_add(t, u);
    tensor_free(u);
}
