/* sum_0512.fixed.c: accepted, the corrected twin of sum_0512.c. */
#include "../ui.h"

int f(unsigned i) {
    int all[4] = {0};
    if (i + 1 < 4)
        return all[i + 1];
    return 0;
}
