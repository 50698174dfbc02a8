/* local_0505.fixed.c: accepted, the corrected twin of local_0505.c. */
#include "../ui.h"

int f(long bits) {
    union {
        long n;
        double d;
    } u = {.n = bits};
    return (int)u.n;
}
