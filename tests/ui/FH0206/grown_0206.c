/* grown_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

void f(fh_mut tensor *t) {
    const char *name = tensor_name(t);
    tensor_grow(t, 9);
    look(name); //~ FH0206
}
