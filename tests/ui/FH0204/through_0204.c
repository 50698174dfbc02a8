/* through_0204.c: deed refuses it as FH0204, a borrow is stored where it outlives the call. */
#include "../ui.h"

void tensor_link(fh_mut tensor *t);
static _Thread_local tensor *last;

void f(fh_mut box *b, fh_mut tensor *t) {
    box *same = b;
    same->plain = t; //~ FH0204
}
