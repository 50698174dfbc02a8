/* drop_0101.fixed.c: accepted, the corrected twin of drop_0101.c. */
#include "../ui.h"

int f(void) {
    tensor *t = tensor_new(3);
    int sum = tensor_sum(t);
    tensor_free(t);
    return sum;
}
