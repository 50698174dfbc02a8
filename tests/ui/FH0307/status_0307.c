/* status_0307.c: deed refuses it as FH0307, a possibly null owner is used without a check. */
#include "../ui.h"

int f(void) {
    tensor *t = NULL;
    fh_status s = tensor_make(3, &t);
    int sum = tensor_sum(t); //~ FH0307
    tensor_free(t);
    return fh_failed(s) ? 0 : sum;
}
