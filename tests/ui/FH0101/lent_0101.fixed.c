/* lent_0101.fixed.c: accepted, the corrected twin of lent_0101.c. */
#include "../ui.h"

int f(void) {
    tensor *t = tensor_new(3);
    tensor **slot = &t;
    int sum = *slot != NULL;
    tensor_free(t);
    return sum;
}
