/* pointer_0203.c: deed refuses it as FH0203, a reference to a local leaves its function. */
#include "../ui.h"

int *f(fh_mut box *other) fh_view(1) {
    box mine = {.n = other->n};
    box *b = &mine;
    return &b->n; //~ FH0203
}
