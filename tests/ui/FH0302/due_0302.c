/* due_0302.c: deed refuses it as FH0302, an assignment overwrites an owned value. */
#include "../ui.h"

typedef struct pair {
    fh_owned tensor *left, *right;
} pair;
void pair_deinit(fh_drop pair *p) {
    tensor_free(p->left);
    p->right = NULL; //~ FH0302
}
