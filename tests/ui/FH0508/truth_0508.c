/* truth_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

_Bool find(fh_ref const tensor *t, fh_out int *at);
int f(fh_ref const tensor *t) {
    int at;
    _Bool found = find(t, &at);
    return at + found; //~ FH0508
}
