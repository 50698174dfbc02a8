/* view_0203.fixed.c: accepted, the corrected twin of view_0203.c. */
#include "../ui.h"

int f(int n) {
    box b = {.n = n};
    const int *p = &b.n;
    return *p;
}
