/* view_0202.c: deed refuses it as FH0202, borrowed exclusively and again in one call. */
#include "../ui.h"

void put(fh_mut tensor *t, fh_ref const char *name);
void f(void) {
    tensor *t = tensor_new(2);
    put(t, tensor_name(t)); //~ FH0202
    tensor_free(t);
}
