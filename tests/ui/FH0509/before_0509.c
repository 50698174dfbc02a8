/* before_0509.c: deed refuses it as FH0509, raw memory outside an unsafe region. */
#include "../ui.h"

int f(fh_ref const char *text, int n) {
    const char *end = text + n; //~ FH0509
    FH_UNSAFE("example");
    return end[-1];
}
