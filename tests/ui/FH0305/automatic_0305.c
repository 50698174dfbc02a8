/* automatic_0305.c: deed refuses it as FH0305, dropped twice. */
#include "../ui.h"

void f(int n) {
    fh_auto(tensor_clear) tensor *t = tensor_new(3);
    if (n > 3)
        tensor_free(t);
} //~ FH0305
