/* part_0201.fixed.c: accepted, the corrected twin of part_0201.c. */
#include "../ui.h"

int f(int n) {
    const int *p = &n;
    box b = {.n = n};
    if (n > 3)
        p = &b.n;
    return *p;
}
