/* e0621_0204.fixed.c: accepted, the corrected twin of e0621_0204.c. */
#include "../ui.h"

struct reader {
    const tensor *from;
};
void f(fh_mut fh_view(2) struct reader *r, fh_ref const tensor *t) {
    r->from = t;
}
