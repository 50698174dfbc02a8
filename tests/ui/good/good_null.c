/* good_null.c: accepted: what is known of a pointer that may be NULL. */
#include "../ui.h"

typedef struct node {
    int n;
    fh_or_null const struct node *next;
} node;
typedef struct list {
    fh_or_null const node *first;
    int changes;
} list;
void node_show(fh_ref const node *n);
void node_look(fh_ref fh_or_null const node *n);
fh_or_null const node *node_of(fh_ref const list *l, int n) fh_view(*1);

int sum(fh_ref const list *l) {
    int all = 0;
    for (const node *i = l->first; i != NULL; i = i->next)
        all += i->n;
    return all;
}

/* A shared argument changes nothing; a field of a copy is the field. */
int shown(fh_mut list *l) {
    const node *first = l->first;
    if (first == NULL)
        return 0;
    node_show(l->first);
    l->changes++;
    return l->first->n;
}

/* What is stored is known. */
void began(fh_mut fh_view(2) list *l, fh_ref const node *n) {
    l->first = n;
    node_show(l->first);
}

/* On both ways. */
int either(fh_ref const list *l, int n) {
    const node *found = node_of(l, n);
    node_look(found);
    if (found == NULL || found->next == NULL)
        return 0;
    return found->next->n;
}
