/* late_0512.fixed.c: accepted, the corrected twin of late_0512.c. */
#include "../ui.h"

int f(void) {
    int all[4] = {0}, sum = 0;
    unsigned long i = 0;
    do {
        sum += all[i];
        i++;
    } while (i < 4);
    return sum;
}
