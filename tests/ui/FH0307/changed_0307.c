/* changed_0307.c: deed refuses it as FH0307, a field was found not to be NULL before a call that may change it. */
#include "../ui.h"

typedef struct node {
    int n;
    fh_or_null struct node *next;
} node;
void node_cut(fh_mut node *list);
int f(fh_mut node *list) {
    if (list->next == NULL)
        return 0;
    node_cut(list);
    return list->next->n; //~ FH0307
}
