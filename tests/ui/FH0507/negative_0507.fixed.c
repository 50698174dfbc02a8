/* negative_0507.fixed.c: accepted, the corrected twin of negative_0507.c. */
#include "../ui.h"

int f(void) {
    int all[3] = {1, 2, 3};
    return all[1];
}
