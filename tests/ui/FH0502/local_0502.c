/* local_0502.c: deed refuses it as FH0502, an index into a raw pointer. */
#include "../ui.h"

int f(int i) {
    int all[3] = {1, 2, 3};
    const int *p = all;
    return p[i]; //~ FH0502
}
