/* pointer_0102.fixed.c: accepted, the corrected twin of pointer_0102.c. */
#include "../ui.h"

int f(int n) {
    tensor *t = tensor_new(3), *u = tensor_new(n);
    tensor **at = &t;
    tensor_clear(at);
    tensor_free(t);
    tensor_free(u);
    return n;
}
