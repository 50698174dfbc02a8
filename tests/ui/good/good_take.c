/* good_take.c: accepted: what a borrowed struct owns is taken out, and something put in its place. */
#include "../ui.h"

void first_null(queue *q, fh_mut box *b) {
    tensor *t = b->inner;
    b->inner = NULL;
    if (t != NULL)
        queue_push(q, t);
}

void first_new(fh_mut box *b, int n) {
    tensor *old = b->inner;
    b->inner = tensor_new(n);
    tensor_free(old);
}

void first_free(fh_mut box *b, int n) {
    tensor *old = b->inner;
    tensor_free(old);
    b->inner = tensor_new(n);
}

fh_owned_or_null tensor *given(fh_mut box *b) {
    tensor *t = b->inner;
    b->inner = NULL;
    return t;
}

void out(fh_mut box *b, fh_owned_or_null tensor **t) {
    *t = b->inner;
    b->inner = NULL;
}

void between(fh_mut box *to, fh_mut box *from) {
    tensor_free(to->inner);
    to->inner = from->inner;
    from->inner = NULL;
}

int looked(fh_drop box *b, queue *q) {
    if (b == NULL)
        return 0;
    tensor *t = b->inner;
    int sum = tensor_sum(b->inner);
    const char *name = tensor_name(t);
    look(name);
    queue_push(q, t);
    return sum;
}

void renamed(fh_mut box *b) {
    tensor *t = b->inner;
    if (t == NULL)
        return;
    const char *name = tensor_name(t);
    b->inner = NULL;
    look(name);
    tensor_free(t);
}

void emptied(fh_drop box *b) {
    if (b == NULL)
        return;
    tensor *t = b->inner;
    tensor_free(t);
}
