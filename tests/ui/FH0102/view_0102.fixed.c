/* view_0102.fixed.c: accepted, the corrected twin of view_0102.c. */
#include "../ui.h"

void f(fh_drop box *b) {
    if (b == NULL)
        return;
    tensor *t = b->inner;
    tensor_free(t);
}
