/* heap_0501.fixed.c: accepted, the corrected twin of heap_0501.c. */
#include "../ui.h"

void f(int n) {
    tensor *all = tensor_new(n);
    tensor_free(all);
}
