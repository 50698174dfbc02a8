/* field_0302.c: deed refuses it as FH0302, an assignment overwrites an owned value. */
#include "../ui.h"

void f(int n) {
    box b = {.inner = tensor_new(n), .n = n};
    b.inner = NULL; //~ FH0302
    b.inner = tensor_new(2);
    tensor_free(b.inner);
}
