/* field_0403.fixed.c: accepted, the corrected twin of field_0403.c. */
#include "../ui.h"

struct room {
    mutex m;
};
void f(fh_mut struct room *r, int n) {
    mutex_lock(&r->m);
    mutex_unlock(&r->m);
    if (n > 3) {
        mutex_lock(&r->m);
        mutex_unlock(&r->m);
    }
}
