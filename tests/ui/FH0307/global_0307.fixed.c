/* global_0307.fixed.c: accepted, the corrected twin of global_0307.c. */
#include "../ui.h"

typedef struct node {
    int n;
    fh_or_null const struct node *next;
} node;
extern _Thread_local node all;
void node_cut_all(void);
int f(void) {
    node_cut_all();
    if (all.next == NULL)
        return 0;
    return all.next->n;
}
