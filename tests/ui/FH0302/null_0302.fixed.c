/* null_0302.fixed.c: accepted, the corrected twin of null_0302.c. */
#include "../ui.h"

void f(void) {
    tensor *t = tensor_new(3);
    tensor_free(t);
    t = NULL;
    tensor_free(t);
}
