/* sum_0512.c: deed refuses it as FH0512, an index that nothing bounds. */
#include "../ui.h"

int f(unsigned i) {
    int all[4] = {0};
    if (i + 1 < 4) {
        i++;
        return all[i + 1]; //~ FH0512
    }
    return 0;
}
