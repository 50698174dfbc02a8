/* e0506_0206.fixed.c: accepted, the corrected twin of e0506_0206.c. */
#include "../ui.h"

int f(int n) {
    box b = {.n = n};
    b = (box){.n = 3};
    const int *count = &b.n;
    return *count;
}
