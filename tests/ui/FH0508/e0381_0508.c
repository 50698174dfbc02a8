/* e0381_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

int f(int n) {
    int best;
    if (n > 3)
        best = n;
    return best; //~ FH0508
}
