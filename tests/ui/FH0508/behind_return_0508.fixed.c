/* behind_return_0508.fixed.c: accepted, the corrected twin of behind_return_0508.c. */
#include "../ui.h"

int f(int n) {
    int sum = 0;
    if (n < 0)
        goto out;
    sum = n + 1;
    return sum;
out:
    return sum;
}
