/* loop_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

void f(fh_mut tensor *t, int n) {
    const char *name = tensor_name(t);
    for (int i = 0; i < n; i++) {
        look(name); //~ FH0206
        tensor_grow(t, i);
    }
}
