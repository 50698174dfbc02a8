/* either_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

int f(fh_mut tensor *a, fh_mut tensor *b, int n) {
    const char *name = tensor_name(n > 3 ? a : b);
    tensor_grow(b, n);
    return *name; //~ FH0206
}
