/* next_0307.fixed.c: accepted, the corrected twin of next_0307.c. */
#include "../ui.h"

typedef struct node {
    int n;
    fh_or_null struct node *next;
} node;
int f(fh_ref const node *list) {
    return list->next != NULL ? list->next->n : 0;
}
