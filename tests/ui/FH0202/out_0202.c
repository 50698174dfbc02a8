/* out_0202.c: deed refuses it as FH0202, borrowed exclusively and again in one call. */
#include "../ui.h"

void split(fh_ref const tensor *t, fh_owned tensor **a, fh_owned tensor **b);
void f(int n) {
    tensor *t = tensor_new(n), *u;
    split(t, &u, &u); //~ FH0202 FH0302
    tensor_free(u);
    tensor_free(t);
}
