/* parameter_0102.c: deed refuses it as FH0102, move out of a borrow. */
#include "../ui.h"

void f(fh_ref const tensor *t, tensor *u) {
    tensor_sum(t);
    tensor_free(u); //~ FH0102
}
