/* silent_0307.fixed.c: accepted, the corrected twin of silent_0307.c. */
#include "../ui.h"

typedef struct node {
    int n;
    fh_or_null struct node *next;
} node;
fh_or_null const node *node_find(fh_ref const node *list, int n) fh_view(1);
const node *node_find(const node *list, int n) {
    for (const node *i = list; i != NULL; i = i->next) {
        if (i->n == n)
            return i;
    }
    return NULL;
}
