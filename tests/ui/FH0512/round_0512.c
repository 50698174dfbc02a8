/* round_0512.c: deed refuses it as FH0512, an index that nothing bounds. */
#include "../ui.h"

int f(int n) {
    int all[256] = {0}, sum = 0;
    for (unsigned char i = 1; sum < n; i++)
        sum += all[i - 1] + 1; //~ FH0512
    return sum;
}
