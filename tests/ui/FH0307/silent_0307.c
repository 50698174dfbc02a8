/* silent_0307.c: deed refuses it as FH0307, NULL is returned by a function that does not say so. */
#include "../ui.h"

typedef struct node {
    int n;
    fh_or_null struct node *next;
} node;
const node *node_find(fh_ref const node *list, int n) fh_view(1);
const node *node_find(const node *list, int n) {
    for (const node *i = list; i != NULL; i = i->next) {
        if (i->n == n)
            return i;
    }
    return NULL; //~ FH0307
}
