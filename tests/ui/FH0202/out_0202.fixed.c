/* out_0202.fixed.c: accepted, the corrected twin of out_0202.c. */
#include "../ui.h"

void split(fh_ref const tensor *t, fh_owned tensor **a, fh_owned tensor **b);
void f(int n) {
    tensor *t = tensor_new(n), *u, *v;
    split(t, &u, &v);
    tensor_free(u);
    tensor_free(v);
    tensor_free(t);
}
