/* out_0204.c: deed refuses it as FH0204, a borrow is stored where it outlives the call. */
#include "../ui.h"

void f(fh_out tensor **out, fh_mut tensor *t) {
    *out = t; //~ FH0204
}
