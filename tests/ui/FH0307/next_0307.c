/* next_0307.c: deed refuses it as FH0307, a field that may be NULL is followed without a check. */
#include "../ui.h"

typedef struct node {
    int n;
    fh_or_null struct node *next;
} node;
int f(fh_ref const node *list) {
    return list->next->n; //~ FH0307
}
