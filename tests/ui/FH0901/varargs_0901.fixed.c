/* varargs_0901.fixed.c: accepted, the corrected twin of varargs_0901.c. */
#include "../ui.h"

int f(int n, int other) {
    n += other;
    return n;
}
