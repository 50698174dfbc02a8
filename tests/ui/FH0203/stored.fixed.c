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
