/* borrow_0602.fixed.c: accepted, the corrected twin of borrow_0602.c. */
#include "../ui.h"

void touch(fh_mut tensor *t);

void touch(fh_mut tensor *t) {
    tensor_grow(t, 1);
}
