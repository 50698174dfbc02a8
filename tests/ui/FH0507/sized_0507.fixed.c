/* sized_0507.fixed.c: accepted, the corrected twin of sized_0507.c. */
#include "../ui.h"

int f(void) {
    int all[4] = {1, 2, 3, 4};
    return all[sizeof all / sizeof all[0] - 1];
}
