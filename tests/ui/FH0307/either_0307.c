/* either_0307.c: deed refuses it as FH0307, one of two may be NULL. */
#include "../ui.h"

int f(fh_ref const tensor *t, int n) {
    tensor *other = tensor_try(n);
    int sum = tensor_sum(n > 3 ? t : other); //~ FH0307
    tensor_free(other);
    return sum;
}
