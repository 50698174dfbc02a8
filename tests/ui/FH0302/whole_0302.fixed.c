/* whole_0302.fixed.c: accepted, the corrected twin of whole_0302.c. */
#include "../ui.h"

void f(int n) {
    box b = {.inner = tensor_new(n), .n = n};
    tensor_free(b.inner);
    b = (box){.n = 3};
    b.n++;
}
