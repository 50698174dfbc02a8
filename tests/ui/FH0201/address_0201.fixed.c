/* address_0201.fixed.c: accepted, the corrected twin of address_0201.c. */
#include "../ui.h"

int f(int n) {
    const int *p = &n;
    int local = 3;
    p = &local;
    return *p;
}
