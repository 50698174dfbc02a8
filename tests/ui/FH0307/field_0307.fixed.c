/* field_0307.fixed.c: accepted, the corrected twin of field_0307.c. */
#include "../ui.h"

int f(int n) {
    box *b = box_new(n);
    tensor *t = box_take(b);
    int sum = t == NULL ? 0 : tensor_sum(t);
    tensor_free(t);
    box_free(b);
    return sum;
}
