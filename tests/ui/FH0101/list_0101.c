/* list_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

int f(int n) {
    tensor *t = tensor_new(n);
    box b = {.inner = t, .n = n};
    int sum = tensor_sum(t); //~ FH0101
    tensor_free(b.inner);
    return sum;
}
