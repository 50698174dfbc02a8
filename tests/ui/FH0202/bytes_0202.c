/* bytes_0202.c: deed refuses it as FH0202, borrowed exclusively and again in one call. */
#include "../ui.h"

void append(fh_mut tensor *t, span s);
void f(fh_mut tensor *t) {
    append(t, tensor_bytes(t)); //~ FH0202
}
