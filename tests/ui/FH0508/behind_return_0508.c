/* behind_return_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

int f(int n) {
    if (n < 0)
        goto out;
    int sum = n + 1;
    return sum;
out:
    return sum; //~ FH0508
}
