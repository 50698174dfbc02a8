/* address_0305.fixed.c: accepted, the corrected twin of address_0305.c. */
#include "../ui.h"

void f(int n) {
    tensor *t = tensor_new(n);
    tensor **at = &t;
    tensor_free(*at);
}
