/* holder_0301.fixed.c: accepted, the corrected twin of holder_0301.c. */
#include "../ui.h"

typedef struct holder {
    fh_owned tensor *t;
} holder;
void block_free(fh_drop void *at);

void holder_free(fh_drop holder *h) {
    tensor_free(h->t);
    block_free(h);
}
