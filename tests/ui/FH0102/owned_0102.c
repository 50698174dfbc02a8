/* owned_0102.c: deed refuses it as FH0102, move out of a borrow. */
#include "../ui.h"

fh_owned const tensor *f(fh_ref const tensor *t, int n) {
    if (n > 3)
        return t; //~ FH0102
    return tensor_new(n);
}
