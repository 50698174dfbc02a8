/* grown_0206.fixed.c: accepted, the corrected twin of grown_0206.c. */
#include "../ui.h"

void f(fh_mut tensor *t) {
    const char *name = tensor_name(t);
    look(name);
    tensor_grow(t, 9);
}
