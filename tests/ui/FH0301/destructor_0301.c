/* destructor_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

typedef struct pair {
    fh_owned tensor *left;
    fh_owned_or_null tensor *right;
} pair;

void pair_deinit(fh_drop pair *p);
void pair_deinit(pair *p) {
    tensor_free(p->left);
} //~ FH0301
