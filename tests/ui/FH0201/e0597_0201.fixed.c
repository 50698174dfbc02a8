/* e0597_0201.fixed.c: accepted, the corrected twin of e0597_0201.c. */
#include "../ui.h"

int f(int n) {
    box b = {.n = n};
    const box *seen = &b;
    return seen->n;
}
