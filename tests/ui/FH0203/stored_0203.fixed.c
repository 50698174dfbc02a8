/* stored_0203.fixed.c: accepted, the corrected twin of stored_0203.c. */
#include "../ui.h"

struct holder {
    const int *raw;
    int n;
};
void f(fh_mut struct holder *h) {
    int local = 3;
    h->n = local;
}
