/* truth_0508.fixed.c: accepted, the corrected twin of truth_0508.c. */
#include "../ui.h"

_Bool find(fh_ref const tensor *t, fh_out int *at);
int f(fh_ref const tensor *t) {
    int at;
    _Bool found = find(t, &at);
    return found ? at : 0;
}
