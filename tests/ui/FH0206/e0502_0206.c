/* e0502_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

void f(fh_mut tensor *t) {
    span first = tensor_bytes(t);
    tensor_grow(t, 9);
    print(first); //~ FH0206
}
