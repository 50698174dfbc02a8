/* part_0207.c: deed refuses it as FH0207, an exclusive use of what is only borrowed shared. */
#include "../ui.h"

void set(fh_mut int *n);
int f(fh_ref box *b) {
    set(&b->n); //~ FH0207
    return b->n;
}
