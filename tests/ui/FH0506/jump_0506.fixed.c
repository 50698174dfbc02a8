/* jump_0506.fixed.c: accepted, the corrected twin of jump_0506.c. */
#include "../ui.h"

int keep(fh_mut void **where);
int f(fh_mut void **where) {
    int n = keep(where);
    return n;
}
