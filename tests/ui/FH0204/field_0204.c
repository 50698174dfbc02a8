/* field_0204.c: deed refuses it as FH0204, a borrow is stored where it outlives the call. */
#include "../ui.h"

void f(fh_mut box *b, fh_mut tensor *t) {
    b->plain = t; //~ FH0204
}
