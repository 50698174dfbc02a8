/* twice_0302.fixed.c: accepted, the corrected twin of twice_0302.c. */
#include "../ui.h"

void f(void) {
    tensor *t = tensor_new(3);
    tensor_free(t);
    t = tensor_new(4);
    tensor_free(t);
}
