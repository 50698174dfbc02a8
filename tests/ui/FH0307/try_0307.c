/* try_0307.c: deed refuses it as FH0307, a possibly null owner is used without a check. */
#include "../ui.h"

int f(void) {
    tensor *t = tensor_try(3);
    int sum = tensor_sum(t); //~ FH0307
    tensor_free(t);
    return sum;
}
