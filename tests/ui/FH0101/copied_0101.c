/* copied_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

int f(int n) {
    box a = {.inner = tensor_new(n), .n = n};
    box b = a;
    int sum = tensor_sum(a.inner); //~ FH0101
    tensor_free(b.inner);
    return sum;
}
