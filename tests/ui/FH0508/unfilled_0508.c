/* unfilled_0508.c: deed refuses it as FH0508, a call that failed may have left its output without a value. */
#include "../ui.h"

int f(void) {
    tensor *t;
    fh_status s = tensor_make(3, &t);
    tensor_free(t); //~ FH0508
    return fh_failed(s);
}
