/* good_idioms.c: accepted: what people write in C, one shape for each function. */
#include "../ui.h"

struct node_of_append {
    fh_owned_or_null struct node_of_append *next;
};
void push(fh_mut struct node_of_append *list, fh_move struct node_of_append *n) {
    n->next = list->next;
    list->next = n;
}

struct sum_of_cb {
    int total;
};
static void add_of_cb(void *ctx, fh_ref const tensor *t) {
    struct sum_of_cb *s = ctx;
    s->total += tensor_sum(t);
}
int with_context(queue *q) {
    struct sum_of_cb s = {0};
    each(q, add_of_cb, &s);
    return s.total;
}

fh_status looked_at(fh_ref const box *b, fh_out int *out) {
    if (b->inner == NULL)
        return FH_STATUS(FH_INVALID);
    FH_TRY(tensor_check(b->inner));
    *out = tensor_sum(b->inner);
    return FH_DONE;
}

void dowhile(queue *q, int n) {
    tensor *t = tensor_new(n);
    do {
        tensor_grow(t, n);
        if (tensor_sum(t) > 9)
            break;
        n--;
    } while (n > 0);
    queue_push(q, t);
}

struct node_of_dropall {
    fh_owned_or_null struct node_of_dropall *next;
};
void node_end(fh_drop struct node_of_dropall *n);
void clear(fh_mut struct node_of_dropall *list) {
    struct node_of_dropall *n = list->next;
    list->next = NULL;
    while (n != NULL) {
        struct node_of_dropall *next = n->next;
        n->next = NULL;
        node_end(n);
        n = next;
    }
}

fh_status two_made(int n, fh_owned tensor **out) {
    *out = NULL;
    tensor *a, *b;
    FH_TRY(tensor_make(n, &a));
    fh_status s = tensor_make(n, &b);
    if (!fh_failed(s)) {
        tensor_add(a, b);
        tensor_free(b);
        *out = a;
    } else {
        tensor_free(a);
    }
    return s;
}

int flag(int n) {
    tensor *t = NULL;
    int made = 0;
    if (n > 3) {
        t = tensor_new(n);
        made = 1;
    }
    int s = made ? 1 : 0;
    tensor_free(t);
    return s;
}

fh_status cleanup(int n, queue *q) {
    fh_status s;
    tensor *a = NULL;
    box b = {0};
    s = box_init(&b, n);
    if (fh_failed(s))
        goto none;
    s = tensor_make(n, &a);
    if (fh_failed(s))
        goto box;
    queue_push(q, a);
box:
    box_deinit(&b);
none:
    return s;
}

fh_status init_direct(fh_out box *b, int n) {
    *b = (box){.n = n};
    return tensor_make(n, &b->inner);
}

fh_status init_fields(fh_out box *b, int n) {
    *b = (box){.n = n};
    tensor *t;
    FH_TRY(tensor_make(n, &t));
    b->inner = t;
    return FH_DONE;
}

const tensor *lazy(fh_mut box *b, int n) fh_view(1);
const tensor *lazy(fh_mut box *b, int n) {
    if (b->inner == NULL)
        b->inner = tensor_new(n);
    return b->inner;
}

struct room_of_lock2 {
    mutex m;
    fh_guarded(m) fh_owned_or_null tensor *t;
};
fh_owned_or_null tensor *taken_out(fh_mut struct room_of_lock2 *r) {
    mutex_lock(&r->m);
    tensor *t = r->t;
    r->t = NULL;
    mutex_unlock(&r->m);
    return t;
}

void loop_view(fh_ref const box *b, int n) {
    for (int i = 0; i < n; i++) {
        const tensor *t = box_look(b);
        if (t == NULL)
            continue;
        look(tensor_name(t));
    }
}

void fill(fh_mut int *n, fh_ref const tensor *t);
void mutpart(fh_mut box *b) {
    if (b->inner != NULL)
        fill(&b->n, b->inner);
}

int either_null(queue *q) {
    tensor *t = queue_pop(q);
    if (t == NULL || tensor_sum(t) == 0) {
        tensor_free(t);
        return 0;
    }
    int s = tensor_sum(t);
    tensor_free(t);
    return s;
}

struct node_of_popl {
    fh_owned_or_null struct node_of_popl *next;
    int n;
};
fh_owned_or_null struct node_of_popl *pop(fh_mut struct node_of_popl *list) {
    struct node_of_popl *n = list->next;
    if (n == NULL)
        return NULL;
    list->next = n->next;
    n->next = NULL;
    return n;
}

struct node_of_rec {
    fh_owned_or_null struct node_of_rec *left, *right;
};
void node_free_rec(fh_drop struct node_of_rec *n);
int depth(fh_ref const struct node_of_rec *n) {
    if (n == NULL)
        return 0;
    int l = depth(n->left), r = depth(n->right);
    return (l > r ? l : r) + 1;
}

void replace(fh_mut box *b, int n) {
    tensor *t = tensor_try(n);
    if (t == NULL)
        return;
    tensor_free(b->inner);
    b->inner = t;
}

fh_owned box struct_ret(int n) {
    return (box){.inner = tensor_new(n), .n = n};
}

int by_kind(int k, queue *q) {
    tensor *t = queue_pop(q);
    if (t == NULL)
        return 0;
    int r = 0;
    switch (k) {
    case 1:
        r = tensor_sum(t);
        break;
    case 2:
        tensor_grow(t, 1);
        r = 2;
        break;
    default:
        break;
    }
    tensor_free(t);
    return r;
}

void swap(fh_mut box *a, fh_mut box *b) {
    tensor *t = a->inner;
    a->inner = b->inner;
    b->inner = t;
}

fh_owned_or_null tensor *either_way(queue *q, int n) {
    tensor *t = queue_pop(q);
    return n > 3 ? t : t;
}

int same(span a, span b);
int views(fh_ref const tensor *a, fh_ref const tensor *b) {
    span x = tensor_bytes(a), y = tensor_bytes(b);
    return same(x, y) && x.size == y.size;
}

int emptied(queue *q) {
    int sum = 0;
    tensor *t;
    while ((t = queue_pop(q)) != NULL) {
        sum += tensor_sum(t);
        tensor_free(t);
    }
    return sum;
}

void comma(queue *q) {
    for (tensor *t = queue_pop(q), *next; t != NULL; t = next) {
        next = queue_pop(q);
        tensor_free(t);
    }
}

fh_owned_or_null tensor *chosen_1(int n) {
    tensor *t = NULL;
    fh_status s = tensor_make(n, &t);
    return fh_failed(s) ? NULL : t;
}

void chosen_2(queue *q, int n) {
    tensor *t = n > 3 ? tensor_new(n) : NULL;
    if (t != NULL)
        queue_push(q, t);
}

void chosen_3(queue *a, queue *b, int n) {
    tensor *t = tensor_new(n);
    queue_push(n > 3 ? a : b, t);
}
