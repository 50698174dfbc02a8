/* automatic_0508.c: deed refuses it as FH0508, the scope drops what has no value yet. */
#include "../ui.h"

fh_status f(int n) {
    fh_auto(tensor_clear) tensor *t;
    if (n > 3)
        return FH_DONE; //~ FH0508
    t = tensor_new(n);
    return tensor_check(t);
}
