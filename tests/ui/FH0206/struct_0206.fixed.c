/* struct_0206.fixed.c: accepted, the corrected twin of struct_0206.c. */
#include "../ui.h"

struct at {
    span bytes;
    int n;
};
void f(fh_mut tensor *t) {
    struct at a = {.n = 1};
    tensor_grow(t, 9);
    a.bytes = tensor_bytes(t);
    print(a.bytes);
}
