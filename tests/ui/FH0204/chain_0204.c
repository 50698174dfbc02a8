/* chain_0204.c: deed refuses it as FH0204, a borrow is stored where it outlives the call. */
#include "../ui.h"

struct node {
    struct node *next;
};
void f(fh_mut struct node *list, fh_mut struct node *n) {
    n->next = list->next; //~ FH0204
    list->next = n; //~ FH0204
}
