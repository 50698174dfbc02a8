/* alias_0101.fixed.c: accepted, the corrected twin of alias_0101.c. */
#include "../ui.h"

int f(void) {
    tensor *t = tensor_new(3);
    tensor *u = t;
    int sum = tensor_sum(u);
    tensor_free(u);
    return sum;
}
