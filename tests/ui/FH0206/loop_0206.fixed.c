/* loop_0206.fixed.c: accepted, the corrected twin of loop_0206.c. */
#include "../ui.h"

void f(fh_mut tensor *t, int n) {
    const char *name = tensor_name(t);
    for (int i = 0; i < n; i++) {
        look(name);
        tensor_grow(t, i);
        name = tensor_name(t);
    }
}
