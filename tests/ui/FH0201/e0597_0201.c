/* e0597_0201.c: deed refuses it as FH0201, a view outlives what it looks into. */
#include "../ui.h"

int f(int n) {
    const box *seen = NULL;
    {
        box b = {.n = n};
        seen = &b;
    }
    return seen->n; //~ FH0201
}
