/* element_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

int f(int i) {
    int all[3];
    all[0] = i;
    return all[1]; //~ FH0508
}
