/* out_0203.fixed.c: accepted, the corrected twin of out_0203.c. */
#include "../ui.h"

void f(fh_out int *out, int n) {
    int local = n;
    *out = local;
}
