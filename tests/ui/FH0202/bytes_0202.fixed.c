/* bytes_0202.fixed.c: accepted, the corrected twin of bytes_0202.c. */
#include "../ui.h"

void append(fh_mut tensor *t, span s);
void f(fh_mut tensor *t, fh_ref const tensor *other) {
    append(t, tensor_bytes(other));
}
