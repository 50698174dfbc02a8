/* element_0508.fixed.c: accepted, the corrected twin of element_0508.c. */
#include "../ui.h"

int f(int i) {
    int all[3] = {0};
    all[0] = i;
    return all[1];
}
