/* call_0404.c: deed refuses it as FH0404, a guarded field without its lock. */
#include "../ui.h"

struct room {
    mutex m;
    fh_guarded(m) int guests;
};
void enter(fh_mut struct room *r) fh_requires(r->m);
void enter(fh_mut struct room *r) {
    r->guests = r->guests + 1;
}
void f(fh_mut struct room *r) {
    enter(r); //~ FH0404
}
