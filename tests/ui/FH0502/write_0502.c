/* write_0502.c: deed refuses it as FH0502, an index into a raw pointer. */
#include "../ui.h"

void f(fh_mut int *at) {
    at[0] = 3; //~ FH0502
}
