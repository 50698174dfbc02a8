/* good_cleanup.c: accepted: jumps to a cleanup, loops, and scopes that drop. */
#include "../ui.h"

fh_status jumps(int n) {
    tensor *a = NULL, *b = NULL;
    fh_status s = tensor_make(n, &a);
    if (fh_failed(s))
        goto out;
    s = tensor_make(n, &b);
    if (fh_failed(s))
        goto out;
    for (int i = 0; i < n; i++) {
        s = tensor_check(b);
        if (fh_failed(s))
            goto out;
        tensor_add(a, b);
    }
out:
    tensor_free(b);
    tensor_free(a);
    return s;
}

fh_status automatic(int n) {
    fh_auto(tensor_clear) tensor *t = NULL;
    FH_TRY(tensor_make(n, &t));
    FH_TRY(tensor_check(t));
    return FH_DONE;
}

void loops(queue *q, int n) {
    tensor *t = tensor_new(n);
    while (n > 0) {
        n--;
        if (n == 7)
            continue;
        if (n == 3)
            break;
        queue_push(q, t);
        t = tensor_new(n);
    }
    tensor_free(t);
}

int drain(queue *q) {
    int sum = 0;
    for (tensor *t = queue_pop(q); t != NULL; t = queue_pop(q)) {
        sum += tensor_sum(t);
        tensor_free(t);
    }
    return sum;
}

fh_owned_or_null tensor *choose(int kind, int n) {
    switch (kind) {
    case 1: return tensor_new(n);
    case 2: {
        tensor *t = tensor_try(n);
        if (t != NULL)
            tensor_grow(t, 3);
        return t;
    }
    default: return NULL;
    }
}
