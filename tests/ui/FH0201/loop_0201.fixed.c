/* loop_0201.fixed.c: accepted, the corrected twin of loop_0201.c. */
#include "../ui.h"

void f(int n) {
    const int *p = &n;
    for (int i = 0; i < n; i++) {
        int square = i * i;
        if (n > 3)
            p = &square;
    }
}
