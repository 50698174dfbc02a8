/* ranges_0901.fixed.c: accepted, the corrected twin of ranges_0901.c. */
#include "../ui.h"

int f(int n) {
    return n >= 1 && n <= 5;
}
