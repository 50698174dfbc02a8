/* changed_0307.fixed.c: accepted, the corrected twin of changed_0307.c. */
#include "../ui.h"

typedef struct node {
    int n;
    fh_or_null struct node *next;
} node;
void node_cut(fh_mut node *list);
int f(fh_mut node *list) {
    node_cut(list);
    if (list->next == NULL)
        return 0;
    return list->next->n;
}
