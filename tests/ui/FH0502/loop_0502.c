/* loop_0502.c: deed refuses it as FH0502, an index into a raw pointer. */
#include "../ui.h"

int f(fh_ref const int *at, int n) {
    int sum = 0;
    for (int i = 0; i <= n; i++)
        sum += at[i]; //~ FH0502
    return sum;
}
