/* status_0307.fixed.c: accepted, the corrected twin of status_0307.c. */
#include "../ui.h"

int f(void) {
    tensor *t = NULL;
    fh_status s = tensor_make(3, &t);
    int sum = fh_failed(s) ? 0 : tensor_sum(t);
    tensor_free(t);
    return sum;
}
