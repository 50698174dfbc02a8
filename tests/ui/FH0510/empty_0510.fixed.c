/* empty_0510.fixed.c: accepted, the corrected twin of empty_0510.c. */
#include "../ui.h"

int f(int n) {
    return n;
}
