/* way_0307.c: deed refuses it as FH0307, a field is looked at on one way only. */
#include "../ui.h"

typedef struct node {
    int n;
    fh_or_null const struct node *next;
} node;
int f(fh_ref const node *list, int n) {
    if (n > 3 && list->next == NULL)
        return 0;
    return list->next->n; //~ FH0307
}
