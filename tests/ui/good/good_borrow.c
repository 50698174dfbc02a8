/* good_borrow.c: accepted without a finding: borrows, views and locks. */
#include "../ui.h"

const char *name_of(fh_ref const box *b) fh_view(1);
const char *name_of(fh_ref const box *b) {
    return b->inner != NULL ? tensor_name(b->inner) : "none";
}

void rename_it(fh_mut tensor *t, int n) {
    const char *name = tensor_name(t);
    look(name);
    for (int i = 0; i < n; i++) {
        tensor_grow(t, i);
        name = tensor_name(t);
        look(name);
    }
}

int replace(fh_mut box *b, fh_move tensor *t) {
    tensor_free(b->inner);
    b->inner = t;
    return tensor_sum(b->inner);
}

fh_owned tensor *sum_of(int n) {
    tensor *t = n > 3 ? tensor_new(n) : tensor_new(3);
    const tensor *view = t;
    int sum = tensor_sum(view);
    tensor_grow(t, sum);
    return t;
}

int either(fh_ref const tensor *a, fh_ref const tensor *b, int n) {
    return tensor_sum(n > 3 ? a : b) + (n > 2 && tensor_sum(a) > 1 ? 1 : 0);
}

struct room {
    mutex m;
    fh_guarded(m) int guests;
};

void enter(fh_mut struct room *r) fh_requires(r->m);
void enter(fh_mut struct room *r) {
    r->guests++;
}

fh_status visit(fh_mut struct room *r, fh_ref const tensor *t) {
    mutex_lock(&r->m);
    enter(r);
    fh_status s = tensor_check(t);
    if (!fh_failed(s))
        r->guests--;
    mutex_unlock(&r->m);
    return s;
}
