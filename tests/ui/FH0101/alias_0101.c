/* alias_0101.c: deed refuses it as FH0101, use of a moved value. */
#include "../ui.h"

int f(void) {
    tensor *t = tensor_new(3);
    tensor *u = t;
    int sum = tensor_sum(t); //~ FH0101
    tensor_free(u);
    return sum;
}
