/* cast_0509.fixed.c: accepted, the corrected twin of cast_0509.c. */
#include "../ui.h"

unsigned long f(fh_ref const tensor *t) {
    FH_UNSAFE("example");
    return (unsigned long)t;
}
