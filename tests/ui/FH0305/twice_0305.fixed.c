/* twice_0305.fixed.c: accepted, the corrected twin of twice_0305.c. */
#include "../ui.h"

void f(void) {
    tensor *t = tensor_new(3);
    tensor_free(t);
}
