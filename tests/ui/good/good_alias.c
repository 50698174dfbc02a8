/* good_alias.c: accepted: one thing by two names, as long as both hold the same pointer; and lists. */
#include "../ui.h"

struct node {
    struct node *next;
    fh_owned_or_null tensor *item;
    int n;
};
struct list {
    struct node *head;
    int count;
};
void advance(fh_mut struct list *l);

int over_list(fh_mut struct list *l) {
    int sum = 0;
    for (struct node *n = l->head; n != NULL; n = n->next) {
        tensor_free(n->item);
        n->item = NULL;
        sum += n->n;
    }
    return sum;
}

void other_head(fh_mut struct list *l) {
    struct node *n = l->head;
    tensor *taken = n->item;
    n->item = NULL;
    l->head = n->next;
    tensor_free(taken);
    if (l->head != NULL && l->head->item != NULL) {
        tensor_free(l->head->item);
        l->head->item = NULL;
    }
}

int after_a_call(fh_mut struct list *l) {
    struct node *n = l->head;
    tensor_free(n->item);
    n->item = NULL;
    advance(l);
    n = l->head;
    tensor_free(n->item);
    n->item = tensor_new(1);
    return n->n;
}

static _Thread_local struct list all;
void next_of_all(void);
void global_head(void) {
    struct node *n = all.head;
    tensor_free(n->item);
    n->item = NULL;
    next_of_all();
    tensor_free(all.head->item);
    all.head->item = NULL;
}
