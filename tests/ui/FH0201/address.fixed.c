#include "../ui.h"

int f(int n) {
    const int *p = &n;
    int local = 3;
    p = &local;
    return *p;
}
