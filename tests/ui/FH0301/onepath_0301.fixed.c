/* onepath_0301.fixed.c: accepted, the corrected twin of onepath_0301.c. */
#include "../ui.h"

void pair_end(fh_drop box *b, int n);
void pair_end(box *b, int n) {
    if (b == NULL)
        return;
    look("end");
    tensor_free(b->inner);
}
