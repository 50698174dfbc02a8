/* holder_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

typedef struct holder {
    fh_owned tensor *t;
} holder;
void block_free(fh_drop void *at);

void holder_free(fh_drop holder *h) {
    block_free(h); //~ FH0301
}
