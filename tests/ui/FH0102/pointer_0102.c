/* pointer_0102.c: deed refuses it as FH0102, move out of a borrow. */
#include "../ui.h"

int f(int n) {
    tensor *t = tensor_new(3), *u = tensor_new(n);
    tensor **at = n > 3 ? &t : &u;
    tensor_clear(at); //~ FH0102
    tensor_free(t);
    tensor_free(u);
    return n;
}
