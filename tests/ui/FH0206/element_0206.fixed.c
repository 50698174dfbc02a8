/* element_0206.fixed.c: accepted, the corrected twin of element_0206.c. */
#include "../ui.h"

void f(fh_mut tensor *t) {
    const char *names[2] = {0};
    tensor_grow(t, 3);
    names[0] = tensor_name(t);
    look(names[0]);
}
