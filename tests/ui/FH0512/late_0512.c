/* late_0512.c: deed refuses it as FH0512, an index that nothing bounds. */
#include "../ui.h"

int f(void) {
    int all[4] = {0}, sum = 0;
    unsigned long i = 0;
    i += 4;
    do {
        sum += all[i]; //~ FH0512
        i++;
    } while (i < 4);
    return sum;
}
