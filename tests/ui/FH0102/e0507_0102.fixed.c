/* e0507_0102.fixed.c: accepted, the corrected twin of e0507_0102.c. */
#include "../ui.h"

fh_owned_or_null tensor *f(fh_mut box *b) {
    tensor *t = b->inner;
    b->inner = NULL;
    return t;
}
