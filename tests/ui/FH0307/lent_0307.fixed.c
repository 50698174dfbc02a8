/* lent_0307.fixed.c: accepted, the corrected twin of lent_0307.c. */
#include "../ui.h"

typedef struct node {
    int n;
    fh_or_null struct node *next;
} node;
fh_or_null const node *node_find(fh_ref const node *list, int n) fh_view(1);
void node_show(fh_ref fh_or_null const node *n);
void f(fh_ref const node *list) {
    node_show(node_find(list, 3));
}
