/* part_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

typedef struct pair {
    fh_owned tensor *left, *right;
} pair;
const char *either(fh_ref const tensor *a, fh_ref const tensor *b) fh_view(1, 2);
const char *any(fh_ref const pair *p, fh_ref const tensor *t) fh_view(1, 2);
void swap(fh_mut pair *p);

void f(fh_mut pair *p, fh_ref const tensor *t) {
    const char *name = either(p->left, t);
    swap(p);
    look(name); //~ FH0206
}
