/* held_0202.c: deed refuses it as FH0202, borrowed exclusively and again in one call. */
#include "../ui.h"

void append(fh_mut tensor *t, span s);
void f(fh_mut tensor *t) {
    span s = tensor_bytes(t);
    append(t, s); //~ FH0202
}
