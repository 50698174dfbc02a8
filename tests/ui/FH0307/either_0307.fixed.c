/* either_0307.fixed.c: accepted, the corrected twin of either_0307.c. */
#include "../ui.h"

int f(fh_ref const tensor *t, int n) {
    tensor *other = tensor_try(n);
    int sum = tensor_sum(n > 3 || other == NULL ? t : other);
    tensor_free(other);
    return sum;
}
