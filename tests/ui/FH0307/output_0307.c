/* output_0307.c: deed refuses it as FH0307, an output that may be NULL is used after success. */
#include "../ui.h"

typedef struct node {
    int n;
    fh_or_null struct node *next;
} node;
fh_status node_first(fh_ref const node *list, fh_out fh_or_null fh_view(1) const node **out);
int f(fh_ref const node *list) {
    const node *found;
    if (fh_failed(node_first(list, &found)))
        return 0;
    return found->n; //~ FH0307
}
