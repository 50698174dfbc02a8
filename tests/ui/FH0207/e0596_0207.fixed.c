/* e0596_0207.fixed.c: accepted, the corrected twin of e0596_0207.c. */
#include "../ui.h"

void f(fh_mut tensor *t) {
    tensor_grow(t, 3);
}
