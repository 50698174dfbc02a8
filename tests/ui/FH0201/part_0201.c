/* part_0201.c: deed refuses it as FH0201, a view outlives what it looks into. */
#include "../ui.h"

int f(int n) {
    const int *p = &n;
    if (n > 3) {
        box b = {.n = n};
        p = &b.n;
    }
    return *p; //~ FH0201
}
