/* other_0404.c: deed refuses it as FH0404, a guarded field without its lock. */
#include "../ui.h"

struct room {
    mutex m;
    fh_guarded(m) int guests;
};
void f(fh_mut struct room *a, fh_mut struct room *b) {
    mutex_lock(&a->m);
    a->guests++;
    b->guests--; //~ FH0404
    mutex_unlock(&a->m);
}
