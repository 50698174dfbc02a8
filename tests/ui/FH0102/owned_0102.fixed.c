/* owned_0102.fixed.c: accepted, the corrected twin of owned_0102.c. */
#include "../ui.h"

void tensor_new_like(fh_ref const tensor *t, int n);
fh_owned const tensor *f(fh_move const tensor *t, int n) {
    tensor_new_like(t, n);
    return t;
}
