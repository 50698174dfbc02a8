/* copied_0307.c: deed refuses it as FH0307, a field that may be NULL is followed through a copy of it. */
#include "../ui.h"

typedef struct node {
    int n;
    fh_or_null struct node *next;
} node;
int f(fh_ref const node *list) {
    const node *next = list->next;
    return next->n; //~ FH0307
}
