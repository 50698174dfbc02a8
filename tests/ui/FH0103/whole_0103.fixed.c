/* whole_0103.fixed.c: accepted, the corrected twin of whole_0103.c. */
#include "../ui.h"

struct pair {
    fh_owned_or_null tensor *left, *right;
    int n;
};
void early(fh_mut struct pair *p, int n) {
    tensor_free(p->left);
    tensor_free(p->right);
    *p = (struct pair){.n = n};
}
void some(fh_mut struct pair *p, int n) {
    tensor_free(p->left);
    *p = (struct pair){.left = n > 3 ? tensor_new(n) : NULL};
}
void same(fh_mut struct pair *p) {
    tensor_free(p->left);
    p->left = NULL;
}
void again(fh_mut struct pair *p) {
    struct pair saved = *p;
    tensor_free(p->left);
    tensor_free(p->right);
    *p = (struct pair){.n = saved.n};
}
