/* e0716_0303.fixed.c: accepted, the corrected twin of e0716_0303.c. */
#include "../ui.h"

void f(void) {
    tensor *t = tensor_new(3);
    const char *name = tensor_name(t);
    look(name);
    tensor_free(t);
}
