/* scope_0201.c: deed refuses it as FH0201, a view outlives what it looks into. */
#include "../ui.h"

void f(int n) {
    const tensor *seen = NULL;
    {
        fh_auto(tensor_clear) tensor *t = tensor_new(n);
        seen = t;
    }
    if (seen != NULL) //~ FH0201
        tensor_sum(seen);
}
