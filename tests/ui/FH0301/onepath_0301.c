/* onepath_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

void pair_end(fh_drop box *b, int n);
void pair_end(box *b, int n) {
    if (b == NULL)
        return;
    if (n > 3)
        tensor_free(b->inner);
} //~ FH0301
