/* borrow_0602.c: deed refuses it as FH0602, declared again with another contract. */
#include "../ui.h"

void touch(fh_ref tensor *t);

void touch(fh_mut tensor *t) { //~ FH0602
    tensor_grow(t, 1);
}
