/* before_0509.fixed.c: accepted, the corrected twin of before_0509.c. */
#include "../ui.h"

int f(fh_ref const char *text, int n) {
    FH_UNSAFE("example");
    const char *end = text + n;
    return end[-1];
}
