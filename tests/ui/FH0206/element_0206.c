/* element_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

void f(fh_mut tensor *t) {
    const char *names[2] = {0};
    names[0] = tensor_name(t);
    tensor_grow(t, 3);
    look(names[0]); //~ FH0206
}
