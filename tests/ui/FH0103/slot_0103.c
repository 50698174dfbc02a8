/* slot_0103.c: deed refuses it as FH0103, moved out of a borrow and not restored. */
#include "../ui.h"

void f(fh_drop tensor **t) {
    tensor_free(*t);
} //~ FH0103
