/* alias_0202.c: deed refuses it as FH0202, borrowed exclusively and again in one call. */
#include "../ui.h"

void f(fh_mut tensor *t) {
    tensor *u = t;
    tensor_add(t, u); //~ FH0202
}
