#include "../ui.h"

void f(fh_out box *out, int n) {
    if (n < 0)
        n = 0;
    *out = (box){.n = n};
}
