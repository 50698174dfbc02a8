/* slot_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

void f(fh_drop tensor **t, int n) {
    if (n > 3)
        return; //~ FH0301
    tensor_free(*t);
    *t = NULL;
}
