/* held_0202.fixed.c: accepted, the corrected twin of held_0202.c. */
#include "../ui.h"

void append(fh_mut tensor *t, span s);
void f(fh_mut tensor *t, fh_ref const tensor *other) {
    span s = tensor_bytes(other);
    append(t, s);
}
