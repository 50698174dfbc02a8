/* other_0205.c: deed refuses it as FH0205, a borrow is returned without a view contract. */
#include "../ui.h"

const char *f(fh_ref const tensor *a, fh_ref const tensor *b) fh_view(1);
const char *f(fh_ref const tensor *a, fh_ref const tensor *b) {
    tensor_sum(a);
    return tensor_name(b); //~ FH0205
}
