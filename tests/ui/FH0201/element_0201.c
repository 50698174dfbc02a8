/* element_0201.c: deed refuses it as FH0201, a view outlives what it looks into. */
#include "../ui.h"

int f(int n) {
    const int *at[2] = {0};
    at[0] = &n;
    for (int i = 0; i < n; i++)
        at[1] = &i;
    return *at[0]; //~ FH0201
}
