/* write_0207.c: deed refuses it as FH0207, an exclusive use of what is only borrowed shared. */
#include "../ui.h"

void f(fh_ref box *b) {
    b->n = 3; //~ FH0207
}
