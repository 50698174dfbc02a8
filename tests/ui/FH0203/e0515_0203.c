/* e0515_0203.c: deed refuses it as FH0203, a reference to a local leaves its function. */
#include "../ui.h"

const char *f(int n) {
    fh_auto(tensor_clear) tensor *t = tensor_new(n);
    return tensor_name(t); //~ FH0203
}
