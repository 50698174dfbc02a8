#include "../ui.h"

void put(fh_mut tensor *t, fh_ref const char *name);
void f(void) {
    tensor *t = tensor_new(2);
    put(t, tensor_name(t));
    tensor_free(t);
}
