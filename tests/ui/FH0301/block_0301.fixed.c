/* block_0301.fixed.c: accepted, the corrected twin of block_0301.c. */
#include "../ui.h"

void block_free(fh_drop void *p);

typedef struct node {
    fh_owned tensor *value;
    int n;
} node;

void f(fh_move node *n, int size) {
    n->value = tensor_new(size);
    tensor_free(n->value);
    block_free(n);
}
