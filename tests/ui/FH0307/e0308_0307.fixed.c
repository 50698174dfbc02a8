/* e0308_0307.fixed.c: accepted, the corrected twin of e0308_0307.c. */
#include "../ui.h"

typedef struct node {
    int n;
    fh_or_null struct node *next;
} node;
fh_or_null const node *node_find(fh_ref const node *list, int n) fh_view(1);
int f(fh_ref const node *list) {
    const node *found = node_find(list, 3);
    return found == NULL ? 0 : found->n;
}
