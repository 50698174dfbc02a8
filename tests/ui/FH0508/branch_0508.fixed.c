/* branch_0508.fixed.c: accepted, the corrected twin of branch_0508.c. */
#include "../ui.h"

int f(int n) {
    int x = 0;
    if (n > 3)
        x = n;
    return x;
}
