/* out_0204.fixed.c: accepted, the corrected twin of out_0204.c. */
#include "../ui.h"

void f(fh_owned tensor **out, fh_move tensor *t) {
    *out = t;
}
