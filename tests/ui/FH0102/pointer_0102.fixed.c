/* pointer_0102.fixed.c: accepted, the corrected twin of pointer_0102.c. */
#include "../ui.h"

int f(void) {
    tensor *t = tensor_new(3);
    int sum = tensor_sum(t);
    tensor_clear(&t);
    return sum;
}
