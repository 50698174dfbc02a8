/* stored_0203.fixed.c: accepted, the corrected twin of stored_0203.c. */
#include "../ui.h"

struct holder {
    fh_ref const int *at;
    const int *raw;
};
void f(fh_mut struct holder *h) {
    static int forever;
    int local = 3;
    forever = local;
    h->raw = &forever;
}
