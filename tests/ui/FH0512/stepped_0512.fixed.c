/* stepped_0512.fixed.c: accepted, the corrected twin of stepped_0512.c. */
#include "../ui.h"

int f(unsigned i) {
    int all[4] = {0};
    if (i++ < 9 && i < 4)
        return i < 4 ? all[i] : 0;
    return 0;
}
