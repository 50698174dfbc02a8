/* pointer_0102.c: deed refuses it as FH0102, move out of a borrow. */
#include "../ui.h"

int f(void) {
    tensor *t = tensor_new(3);
    tensor **at = &t;
    tensor_clear(at); //~ FH0102
    int sum = tensor_sum(t);
    tensor_free(t);
    return sum;
}
