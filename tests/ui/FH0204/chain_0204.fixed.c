/* chain_0204.fixed.c: accepted, the corrected twin of chain_0204.c. */
#include "../ui.h"

struct node {
    fh_owned_or_null struct node *next;
};
void f(fh_mut struct node *list, fh_move struct node *n) {
    n->next = list->next;
    list->next = n;
}
