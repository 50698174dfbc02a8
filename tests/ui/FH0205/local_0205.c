/* local_0205.c: deed refuses it as FH0205, a borrow is returned without a view contract. */
#include "../ui.h"

const char *f(fh_ref const box *b, int n) {
    const tensor *t = box_look(b);
    const char *name = n > 3 ? tensor_name(t) : "none";
    return name; //~ FH0205
}
