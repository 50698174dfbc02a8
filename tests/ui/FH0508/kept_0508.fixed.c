/* kept_0508.fixed.c: accepted, the corrected twin of kept_0508.c. */
#include "../ui.h"

int f(void) {
    int n = 0;
    const int *at = &n;
    return *at;
}
