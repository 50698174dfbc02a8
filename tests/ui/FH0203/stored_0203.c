/* stored_0203.c: deed refuses it as FH0203, a reference to a local leaves its function. */
#include "../ui.h"

struct holder {
    const int *raw;
    int n;
};
void f(fh_mut struct holder *h) {
    int local = 3;
    h->raw = &local; //~ FH0203
}
