/* global_0204.c: deed refuses it as FH0204, a borrow is stored where it outlives the call. */
#include "../ui.h"

static _Thread_local const tensor *last;
void f(fh_ref const tensor *t) {
    last = t; //~ FH0204
}
