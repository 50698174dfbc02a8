/* behind_only_0205.c: deed refuses it as FH0205, a borrow is returned without a view contract. */
#include "../ui.h"

typedef struct holder {
    const char *text;
    int n;
} holder;

const int *f(fh_ref const holder *h) fh_view(*1) {
    return &h->n; //~ FH0205
}
