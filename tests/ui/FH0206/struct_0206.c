/* struct_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

struct at {
    span bytes;
    int n;
};
void f(fh_mut tensor *t) {
    struct at a = {.bytes = tensor_bytes(t), .n = 1};
    tensor_grow(t, 9);
    print(a.bytes); //~ FH0206
}
