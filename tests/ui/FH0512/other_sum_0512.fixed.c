/* other_sum_0512.fixed.c: accepted, the corrected twin of other_sum_0512.c. */
#include "../ui.h"

int f(unsigned i, unsigned k) {
    int all[4] = {0};
    if (k + 1 < 4)
        return all[k + 1];
    return i + 2 < 4 ? all[i + 2] : 0;
}
