/* again_0512.fixed.c: accepted, the corrected twin of again_0512.c. */
#include "../ui.h"

int f(void) {
    int all[4] = {0}, sum = 0;
    for (int k = 0; k < 2; k++) {
        unsigned long i = 0;
        do {
            sum += all[i];
            i++;
        } while (i < 4);
    }
    return sum;
}
