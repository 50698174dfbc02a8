/* view_0102.c: deed refuses it as FH0102, move out of a borrow. */
#include "../ui.h"

void f(fh_ref box *b) {
    if (b == NULL)
        return;
    tensor *t = b->inner;
    tensor_free(t); //~ FH0102
}
