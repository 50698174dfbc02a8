/* e0596_0207.c: deed refuses it as FH0207, an exclusive use of what is only borrowed shared. */
#include "../ui.h"

void f(fh_ref tensor *t) {
    tensor_grow(t, 3); //~ FH0207
}
