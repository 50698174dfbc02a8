/* loop_0201.c: deed refuses it as FH0201, a view outlives what it looks into. */
#include "../ui.h"

void f(int n) {
    const int *p = &n;
    for (int i = 0; i < n; i++) {
        int square = i * i;
        if (*p > 3) //~ FH0201
            p = &square;
    }
}
