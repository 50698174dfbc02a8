/* copied_0307.fixed.c: accepted, the corrected twin of copied_0307.c. */
#include "../ui.h"

typedef struct node {
    int n;
    fh_or_null struct node *next;
} node;
int f(fh_ref const node *list) {
    const node *next = list->next;
    return next == NULL ? list->n : next->n;
}
