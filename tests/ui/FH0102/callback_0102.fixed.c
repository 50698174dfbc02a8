/* callback_0102.fixed.c: accepted, the corrected twin of callback_0102.c. */
#include "../ui.h"

void visit(void *ctx, fh_ref const tensor *t) {
    int *sum = ctx;
    *sum += tensor_sum(t);
}
