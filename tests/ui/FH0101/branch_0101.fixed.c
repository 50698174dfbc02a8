/* branch_0101.fixed.c: accepted, the corrected twin of branch_0101.c. */
#include "../ui.h"

int f(int n) {
    tensor *t = tensor_new(3);
    int sum = 0;
    if (n > 3)
        tensor_free(t);
    else {
        sum = tensor_sum(t);
        tensor_free(t);
    }
    return sum;
}
