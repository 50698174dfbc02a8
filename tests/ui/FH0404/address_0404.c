/* address_0404.c: deed refuses it as FH0404, a guarded field without its lock. */
#include "../ui.h"

struct room {
    mutex m;
    fh_guarded(m) int guests;
};
void count(fh_mut int *n);
void f(fh_mut struct room *r) {
    count(&r->guests); //~ FH0404
}
