/* local_0502.fixed.c: accepted, the corrected twin of local_0502.c. */
#include "../ui.h"

int f(int i) {
    int all[3] = {1, 2, 3};
    return all[(unsigned)i % 3];
}
