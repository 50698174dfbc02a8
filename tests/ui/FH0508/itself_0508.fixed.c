/* itself_0508.fixed.c: accepted, the corrected twin of itself_0508.c. */
#include "../ui.h"

int f(void) {
    int n = 1;
    return n + 1;
}
