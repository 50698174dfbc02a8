/* good_address.c: accepted: a local by its name and through its address. */
#include "../ui.h"

int both(int n) {
    box a = {.inner = tensor_new(n), .n = n};
    box *p = &a;
    p->n++;
    int sum = tensor_sum(p->inner) + tensor_sum(a.inner);
    tensor_free(a.inner);
    p->inner = tensor_new(2);
    tensor_free(p->inner);
    return sum;
}

int either(int n) {
    box a = {.n = n}, b = {.n = 1};
    box *p = n > 3 ? &a : &b;
    p->n = 2;
    p = &b;
    p->inner = tensor_new(n);
    tensor_free(b.inner);
    return a.n + p->n;
}

void in_turn(int n) {
    tensor *t = NULL, *u = NULL;
    tensor **at = &t;
    for (int i = 0; i < 2; i++)
        at = at == &t ? &u : &t;
    if (*at != NULL)
        tensor_grow(*at, n);
}
