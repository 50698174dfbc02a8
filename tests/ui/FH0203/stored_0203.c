/* stored_0203.c: deed refuses it as FH0203, a reference to a local leaves its function. */
#include "../ui.h"

struct holder {
    fh_ref const int *at;
    const int *raw;
};
void f(fh_mut struct holder *h) {
    static int forever;
    int local = 3;
    h->raw = &local;
}
