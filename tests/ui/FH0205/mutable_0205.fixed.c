/* mutable_0205.fixed.c: accepted, the corrected twin of mutable_0205.c. */
#include "../ui.h"

fh_or_null tensor *f(fh_mut box *b) fh_view(1);
tensor *f(fh_mut box *b) {
    return b->inner;
}
