/* field_0205.c: deed refuses it as FH0205, a borrow is returned without a view contract. */
#include "../ui.h"

const int *f(fh_ref const box *b) {
    return &b->n; //~ FH0205
}
