/* element_0201.fixed.c: accepted, the corrected twin of element_0201.c. */
#include "../ui.h"

int f(int n) {
    const int *at[2] = {0};
    int i = 0;
    at[0] = &n;
    for (; i < n; i++)
        at[1] = &i;
    return *at[0];
}
