/* array_0503.fixed.c: accepted, the corrected twin of array_0503.c. */
#include "../ui.h"

int sum(fh_ref const int *at, int n);
int f(int n) {
    int all[4] = {0};
    all[0] = n;
    return sum(all, 4);
}
