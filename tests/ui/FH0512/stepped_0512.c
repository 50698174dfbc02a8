/* stepped_0512.c: deed refuses it as FH0512, an index that nothing bounds. */
#include "../ui.h"

int f(unsigned i) {
    int all[4] = {0};
    if (i < 4 && i++ < 9)
        return all[i]; //~ FH0512
    return 0;
}
