/* two_steps_0512.c: deed refuses it as FH0512, an index that nothing bounds. */
#include "../ui.h"

int f(void) {
    int all[4] = {0}, sum = 0;
    for (unsigned i = 3; i > 0; i--) {
        i--;
        i--;
        i--;
        sum += all[i]; //~ FH0512
    }
    return sum;
}
