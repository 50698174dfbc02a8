/* e0106_0205.c: deed refuses it as FH0205, a borrow is returned without a view contract. */
#include "../ui.h"

const char *f(fh_ref const tensor *a, fh_ref const tensor *b, int n) {
    return n > 3 ? tensor_name(a) : tensor_name(b); //~ FH0205
}
