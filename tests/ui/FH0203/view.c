#include "../ui.h"

const int *f(int n) {
    box b = {.n = n};
    const int *p = &b.n;
    return p;
}
