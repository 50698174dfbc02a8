/* round_0512.fixed.c: accepted, the corrected twin of round_0512.c. */
#include "../ui.h"

int f(int n) {
    int all[256] = {0}, sum = 0;
    for (unsigned char i = 1; i < 255 && sum < n; i++)
        sum += all[i - 1] + 1;
    return sum;
}
