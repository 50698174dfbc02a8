/* unfilled_0508.fixed.c: accepted, the corrected twin of unfilled_0508.c. */
#include "../ui.h"

int f(void) {
    tensor *t = NULL;
    fh_status s = tensor_make(3, &t);
    tensor_free(t);
    return fh_failed(s);
}
