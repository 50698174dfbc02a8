/* array_0503.c: deed refuses it as FH0503, arithmetic on a pointer. */
#include "../ui.h"

int sum(fh_ref const int *at, int n);
int f(int n) {
    int all[4] = {0};
    all[0] = n;
    return sum(all + 2, 2); //~ FH0503
}
