/* scope_0201.fixed.c: accepted, the corrected twin of scope_0201.c. */
#include "../ui.h"

void f(int n) {
    const tensor *seen = NULL;
    fh_auto(tensor_clear) tensor *t = tensor_new(n);
    seen = t;
    if (seen != NULL)
        tensor_sum(seen);
}
