/* parameter_0502.c: deed refuses it as FH0502, an index into a raw pointer. */
#include "../ui.h"

int f(fh_ref const int *at, int i) {
    return at[i]; //~ FH0502
}
