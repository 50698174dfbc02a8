/* nested_0101.fixed.c: accepted, the corrected twin of nested_0101.c. */
#include "../ui.h"

int two(fh_ref const tensor *t, int n);
int eat(fh_move tensor *t);
int f(int n) {
    tensor *t = tensor_new(n), *u = tensor_new(n);
    int sum = two(t, eat(u));
    tensor_free(t);
    return sum;
}
