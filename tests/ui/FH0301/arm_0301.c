/* arm_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

fh_owned_or_null tensor *f(int n) {
    tensor *t = tensor_new(n);
    return n > 3 ? NULL : t; //~ FH0301
}
