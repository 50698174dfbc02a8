/* output_0302.c: deed refuses it as FH0302, an output is written twice. */
#include "../ui.h"

void f(int n, fh_owned tensor **out) {
    do {
        *out = tensor_new(n); //~ FH0302
    } while (n-- > 3);
}
