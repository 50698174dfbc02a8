#include "../ui.h"

void set(fh_mut int *n);
int f(fh_ref box *b) {
    set(&b->n);
    return b->n;
}
