/* automatic_0508.fixed.c: accepted, the corrected twin of automatic_0508.c. */
#include "../ui.h"

fh_status f(int n) {
    fh_auto(tensor_clear) tensor *t = NULL;
    if (n > 3)
        return FH_DONE;
    t = tensor_new(n);
    return tensor_check(t);
}
