/* required_0403.fixed.c: accepted, the corrected twin of required_0403.c. */
#include "../ui.h"

struct room {
    mutex m;
    fh_guarded(m) int guests;
};
void f(fh_mut struct room *r) fh_requires(r->m);
void f(fh_mut struct room *r) {
    r->guests++;
}
