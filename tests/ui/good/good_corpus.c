/* good_corpus.c: accepted: sixteen shapes of correct programs, one function or a few for each. */
#include "../ui.h"

/* 1: taken again in each round. */
int reacquire(queue *q, int n) {
    int sum = 0;
    tensor *t = tensor_new(n);
    for (int i = 0; i < n; i++) {
        sum += tensor_sum(t);
        queue_push(q, t);
        t = tensor_new(i);
    }
    tensor_free(t);
    return sum;
}

/* 2: a struct with a beginning and an end. */
fh_status init_and_end(int n) {
    box b;
    FH_TRY(box_init(&b, n));
    b.n += box_sum(&b);
    box_deinit(&b);
    return FH_DONE;
}

/* 3: an optional result, made and used. */
fh_owned_or_null tensor *optional(int n) {
    return n > 3 ? tensor_new(n) : NULL;
}
int of_optional(int n) {
    tensor *t = optional(n);
    int sum = t != NULL ? tensor_sum(t) : 0;
    tensor_free(t);
    return sum;
}

/* 4: each case of a switch ends the value in its own way. */
int by_kind(queue *q, fh_move tensor *t, int kind) {
    switch (kind) {
    case 0:
        tensor_free(t);
        return 0;
    case 1:
        queue_push(q, t);
        break;
    default: {
        int sum = tensor_sum(t);
        thread_give(t);
        return sum;
    }
    }
    return 1;
}

/* 5: cleanup by goto, nested in a loop. */
fh_status nested(queue *q, int n) {
    fh_status s = FH_DONE;
    tensor *a = NULL, *b = NULL;
    for (int i = 0; i < n; i++) {
        s = tensor_make(i, &a);
        if (fh_failed(s))
            goto out;
        s = tensor_make(i, &b);
        if (fh_failed(s))
            goto out;
        queue_push(q, a);
        a = NULL;
        tensor_free(b);
        b = NULL;
    }
out:
    tensor_free(b);
    tensor_free(a);
    return s;
}

/* 6: a view that is bound again after each change. */
void bound_again(fh_mut tensor *t, int n) {
    for (int i = 0; i < n; i++) {
        span s = tensor_bytes(t);
        print(s);
        tensor_grow(t, i);
        s = tensor_bytes(t);
        print(s);
    }
}

/* 7: a callback with a context that is borrowed for the call. */
void add_to(void *ctx, fh_ref const tensor *t) {
    int *sum = ctx;
    *sum += tensor_sum(t);
}
int with_context(fh_mut queue *q) {
    int sum = 0;
    each(q, add_to, &sum);
    return sum;
}

/* 8: two phases: what the call needs is read before it. */
void two_phases(fh_mut tensor *t) {
    int n = tensor_sum(t);
    tensor_grow(t, n);
    tensor_grow(t, tensor_sum(t) + 1);
}

/* 9: a borrow of either of two. */
const tensor *larger(fh_ref const tensor *a, fh_ref const tensor *b) fh_view(1, 2);
const tensor *larger(fh_ref const tensor *a, fh_ref const tensor *b) {
    return tensor_sum(a) > tensor_sum(b) ? a : b;
}
int largest(int n) {
    tensor *a = tensor_new(n), *b = tensor_new(n + 1);
    int sum = tensor_sum(larger(a, b));
    tensor_free(a);
    tensor_free(b);
    return sum;
}

/* 10: ownership that a flag used to decide: a nullable owner instead. */
int made_or_lent(fh_ref const tensor *lent, int n) {
    tensor *made = n > 3 ? tensor_new(n) : NULL;
    int sum = tensor_sum(made != NULL ? made : lent);
    tensor_free(made);
    return sum;
}

/* 11: a refused value stays with its owner. */
void offered(queue *q, int n) {
    tensor *t = tensor_new(n);
    if (!queue_offer(q, &t))
        tensor_free(t);
}

/* 12: parts of one struct, borrowed at once. */
void parts(fh_mut int *to, fh_ref const int *from);
struct point {
    int x, y;
};
int both(int n) {
    struct point p = {.x = n, .y = 1};
    parts(&p.x, &p.y);
    return p.x;
}

/* 13: a struct is given away whole, and made by a function. */
fh_owned struct box made(int n) {
    box b = {.inner = tensor_new(n), .n = n};
    return b;
}
int used(int n) {
    box b = made(n);
    int sum = box_sum(&b);
    box_deinit(&b);
    return sum;
}

/* 14: a lock held in a helper that requires it, and a copy that leaves it. */
struct shared {
    mutex m;
    fh_guarded(m) int count;
};
static void raise(fh_mut struct shared *s) fh_requires(s->m);
static void raise(fh_mut struct shared *s) {
    s->count++;
}
int raised(fh_mut struct shared *s) {
    mutex_lock(&s->m);
    raise(s);
    int count = s->count;
    mutex_unlock(&s->m);
    return count;
}

/* 15: work is sent to a thread with all that it owns. */
void work_send(fh_send fh_move box *b);
void sent(int n) {
    box *b = box_new(n);
    b->n = n;
    work_send(b);
}

/* 16: the end of a scope drops, on every way out. */
fh_status dropped_by_scope(int n, fh_out int *out) {
    fh_auto(tensor_clear) tensor *t = tensor_new(n);
    FH_TRY(tensor_check(t));
    if (n > 9)
        return FH_STATUS(FH_INVALID);
    *out = tensor_sum(t);
    return FH_DONE;
}
