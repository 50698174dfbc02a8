/* whole_0103.c: deed refuses it as FH0103, moved out of a borrow and not restored. */
#include "../ui.h"

struct pair {
    fh_owned_or_null tensor *left, *right;
    int n;
};
void early(fh_mut struct pair *p, int n) {
    tensor_free(p->left);
    *p = (struct pair){.n = n};
    tensor_free(p->right);
} //~ FH0103
void some(fh_mut struct pair *p, int n) {
    tensor_free(p->left);
    if (n > 3)
        *p = (struct pair){.left = tensor_new(n)};
} //~ FH0103
void same(fh_mut struct pair *p) {
    tensor_free(p->left);
    *p = *p;
} //~ FH0103
void again(fh_mut struct pair *p) {
    struct pair saved = *p;
    tensor_free(p->left);
    *p = saved;
} //~ FH0103
