/* branch_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

int f(int n) {
    int x;
    if (n > 3)
        x = n;
    return x; //~ FH0508
}
