/* mutable_0205.c: deed refuses it as FH0205, a borrow is returned without a view contract. */
#include "../ui.h"

fh_or_null tensor *f(fh_mut box *b) {
    return b->inner; //~ FH0205
}
