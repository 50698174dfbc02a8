/* below_0512.c: deed refuses it as FH0512, an index that nothing bounds. */
#include "../ui.h"

int f(void) {
    int all[4] = {0}, sum = 0;
    unsigned long i = 3;
    while (sum < 9) {
        sum += all[i] + 1; //~ FH0512
        i--;
    }
    return sum;
}
