/* branch_0404.c: deed refuses it as FH0404, a guarded field without its lock. */
#include "../ui.h"

struct room {
    mutex m;
    fh_guarded(m) int guests;
};
int f(fh_mut struct room *r, int n) {
    if (n > 3)
        mutex_lock(&r->m);
    int guests = r->guests; //~ FH0404
    if (n > 3)
        mutex_unlock(&r->m); //~ FH0407
    return guests; //~ FH0402
}
