/* returned_0102.fixed.c: accepted, the corrected twin of returned_0102.c. */
#include "../ui.h"

fh_or_null const tensor *f(fh_ref const box *b) fh_view(1);
const tensor *f(fh_ref const box *b) {
    return b->inner;
}
