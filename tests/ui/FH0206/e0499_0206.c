/* e0499_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

tensor *part(fh_mut box *b, int n) fh_view(1);
void f(fh_mut box *b) {
    tensor *first = part(b, 1);
    tensor *second = part(b, 2);
    tensor_grow(second, 1);
    tensor_grow(first, 1); //~ FH0206
}
