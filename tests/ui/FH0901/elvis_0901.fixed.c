/* elvis_0901.fixed.c: accepted, the corrected twin of elvis_0901.c. */
#include "../ui.h"

int f(int n) {
    return n ? n : 3;
}
