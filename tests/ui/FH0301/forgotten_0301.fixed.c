/* forgotten_0301.fixed.c: accepted, the corrected twin of forgotten_0301.c. */
#include "../ui.h"

int f(void) {
    tensor *t = tensor_new(3);
    int sum = tensor_sum(t);
    tensor_free(t);
    return sum;
}
