/* parameter_0205.c: deed refuses it as FH0205, a borrow is returned without a view contract. */
#include "../ui.h"

const tensor *f(fh_ref const tensor *t) {
    return t; //~ FH0205
}
