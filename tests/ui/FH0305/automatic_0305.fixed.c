/* automatic_0305.fixed.c: accepted, the corrected twin of automatic_0305.c. */
#include "../ui.h"

void f(int n) {
    fh_auto(tensor_clear) tensor *t = tensor_new(3);
    if (n > 3)
        tensor_clear(&t);
}
