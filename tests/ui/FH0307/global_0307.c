/* global_0307.c: deed refuses it as FH0307, a field of a global, and a call that may change it after the look. */
#include "../ui.h"

typedef struct node {
    int n;
    fh_or_null const struct node *next;
} node;
extern _Thread_local node all;
void node_cut_all(void);
int f(void) {
    if (all.next == NULL)
        return 0;
    node_cut_all();
    return all.next->n; //~ FH0307
}
