/* e0506_0206.c: deed refuses it as FH0206, changed or dropped while a view of it is in use. */
#include "../ui.h"

int f(int n) {
    box b = {.n = n};
    const int *count = &b.n;
    b = (box){.n = 3};
    return *count; //~ FH0206
}
