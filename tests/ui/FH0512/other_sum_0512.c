/* other_sum_0512.c: deed refuses it as FH0512, an index that nothing bounds. */
#include "../ui.h"

int f(unsigned i, unsigned k) {
    int all[4] = {0};
    if (k + 1 < 4)
        return all[i + 1]; //~ FH0512
    return i + 1 < 4 ? all[i + 2] : 0; //~ FH0512
}
