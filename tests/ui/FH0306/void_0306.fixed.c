/* void_0306.fixed.c: accepted, the corrected twin of void_0306.c. */
#include "../ui.h"

void f(fh_out box *out, int n) {
    if (n < 0)
        n = 0;
    *out = (box){.n = n};
}
