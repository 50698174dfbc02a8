/* view_0202.fixed.c: accepted, the corrected twin of view_0202.c. */
#include "../ui.h"

void put(fh_mut tensor *t, fh_ref const char *name);
void f(void) {
    tensor *t = tensor_new(2);
    put(t, "two");
    tensor_free(t);
}
