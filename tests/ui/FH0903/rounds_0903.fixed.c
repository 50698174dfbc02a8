/* rounds_0903.fixed.c: accepted, the corrected twin of rounds_0903.c. */
#include "../ui.h"

int f(int n) {
    const int *a = &n, *b = a;
    int last = n;
    while (n-- > 0) {
        a = b;
        b = &last;
    }
    return *a;
}
