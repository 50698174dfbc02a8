/* void_0306.c: deed refuses it as FH0306, an output is not written before a successful return. */
#include "../ui.h"

void f(fh_out box *out, int n) {
    if (n < 0)
        return; //~ FH0306
    *out = (box){.n = n};
}
