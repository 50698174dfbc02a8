/* destructor_0301.fixed.c: accepted, the corrected twin of destructor_0301.c. */
#include "../ui.h"

typedef struct pair {
    fh_owned tensor *left;
    fh_owned_or_null tensor *right;
} pair;

void pair_deinit(fh_drop pair *p);
void pair_deinit(pair *p) {
    tensor_free(p->left);
    tensor_free(p->right);
}
