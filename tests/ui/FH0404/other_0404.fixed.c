/* other_0404.fixed.c: accepted, the corrected twin of other_0404.c. */
#include "../ui.h"

struct room {
    mutex m;
    fh_guarded(m) int guests;
};
void f(fh_mut struct room *a, fh_mut struct room *b) {
    mutex_lock(&a->m);
    a->guests++;
    mutex_unlock(&a->m);
    mutex_lock(&b->m);
    b->guests--;
    mutex_unlock(&b->m);
}
