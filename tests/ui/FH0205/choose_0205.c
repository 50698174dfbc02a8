/* choose_0205.c: deed refuses it as FH0205, a borrow is returned without a view contract. */
#include "../ui.h"

const tensor *f(fh_ref const tensor *a, fh_ref const tensor *b, int n) fh_view(1);
const tensor *f(fh_ref const tensor *a, fh_ref const tensor *b, int n) {
    return n > 2 ? a : b; //~ FH0205
}
