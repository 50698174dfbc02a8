/* direct_0307.c: deed refuses it as FH0307, a result that may be NULL is used where it stands. */
#include "../ui.h"

typedef struct node {
    int n;
    fh_or_null struct node *next;
} node;
fh_or_null const node *node_find(fh_ref const node *list, int n) fh_view(1);
int f(fh_ref const node *list) {
    return node_find(list, 3)->n; //~ FH0307
}
