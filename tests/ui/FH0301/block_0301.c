/* block_0301.c: deed refuses it as FH0301, an owned value is not dropped on every path. */
#include "../ui.h"

void block_free(fh_drop void *p);

typedef struct node {
    fh_owned tensor *value;
    int n;
} node;

void f(fh_move node *n, int size) {
    n->value = tensor_new(size);
    block_free(n); //~ FH0301
}
