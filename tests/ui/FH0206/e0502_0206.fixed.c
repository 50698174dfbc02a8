/* e0502_0206.fixed.c: accepted, the corrected twin of e0502_0206.c. */
#include "../ui.h"

void f(fh_mut tensor *t) {
    span first = tensor_bytes(t);
    print(first);
    tensor_grow(t, 9);
}
