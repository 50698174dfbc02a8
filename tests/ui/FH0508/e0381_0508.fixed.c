/* e0381_0508.fixed.c: accepted, the corrected twin of e0381_0508.c. */
#include "../ui.h"

int f(int n) {
    int best = 0;
    if (n > 3)
        best = n;
    return best;
}
