/* down_0512.fixed.c: accepted, the corrected twin of down_0512.c. */
#include "../ui.h"

int f(void) {
    int all[4] = {0}, sum = 0;
    for (unsigned i = 4; i > 0; i--)
        sum += all[i - 1];
    for (int i = 3; i >= 0; i--)
        sum += all[i];
    return sum;
}
