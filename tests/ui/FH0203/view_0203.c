/* view_0203.c: deed refuses it as FH0203, a reference to a local leaves its function. */
#include "../ui.h"

const int *f(int n) {
    box b = {.n = n};
    const int *p = &b.n;
    return p; //~ FH0203
}
