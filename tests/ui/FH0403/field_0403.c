/* field_0403.c: deed refuses it as FH0403, a lock is taken twice. */
#include "../ui.h"

struct room {
    mutex m;
};
void f(fh_mut struct room *r, int n) {
    mutex_lock(&r->m);
    if (n > 3) {
        mutex_lock(&r->m); //~ FH0403
        mutex_unlock(&r->m);
    }
    mutex_unlock(&r->m); //~ FH0407
}
