/* returned_0401.fixed.c: accepted, the corrected twin of returned_0401.c. */
#include "../ui.h"

fh_or_null const tensor *f(fh_ref const box *b) fh_view(1);
const tensor *f(fh_ref const box *b) {
    thread_give(tensor_new(b->n));
    return b->inner;
}
