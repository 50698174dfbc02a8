/* branch_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

int f(int n) {
    tensor *t = tensor_new(3);
    int sum = 0;
    if (n > 3)
        tensor_free(t);
    sum = tensor_sum(t); //~ FH0101
    return sum;
}
