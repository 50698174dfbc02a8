/* field_0307.c: deed refuses it as FH0307, a possibly null owner is used without a check. */
#include "../ui.h"

int f(int n) {
    box *b = box_new(n);
    tensor *t = box_take(b);
    int sum = tensor_sum(t); //~ FH0307
    tensor_free(t);
    box_free(b);
    return sum;
}
