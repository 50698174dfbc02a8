/* value_0901.fixed.c: accepted, the corrected twin of value_0901.c. */
#include "../ui.h"

void f(int n) {
    tensor *t = tensor_new(n);
    tensor_free(t);
}
