/* two_steps_0512.fixed.c: accepted, the corrected twin of two_steps_0512.c. */
#include "../ui.h"

int f(void) {
    int all[4] = {0}, sum = 0;
    for (int i = 3; i > 0; i--) {
        i--;
        if (i >= 0)
            sum += all[i];
    }
    return sum;
}
