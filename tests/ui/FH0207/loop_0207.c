/* loop_0207.c: deed refuses it as FH0207, an exclusive use of what is only borrowed shared. */
#include "../ui.h"

void f(fh_ref tensor *t, int n) {
    for (int i = 0; i < n; i++)
        tensor_grow(t, i); //~ FH0207
}
