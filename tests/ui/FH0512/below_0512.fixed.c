/* below_0512.fixed.c: accepted, the corrected twin of below_0512.c. */
#include "../ui.h"

int f(void) {
    int all[4] = {0}, sum = 0;
    long i = 3;
    while (i >= 0) {
        sum += all[i] + 1;
        i--;
    }
    return sum;
}
