/* due_0302.fixed.c: accepted, the corrected twin of due_0302.c. */
#include "../ui.h"

typedef struct pair {
    fh_owned tensor *left, *right;
} pair;
void pair_deinit(fh_drop pair *p) {
    tensor_free(p->left);
    tensor_free(p->right);
}
