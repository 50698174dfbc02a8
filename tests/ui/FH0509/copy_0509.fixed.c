/* copy_0509.fixed.c: accepted, the corrected twin of copy_0509.c. */
#include "../ui.h"

void f(fh_mut int *to, fh_ref const int *from) {
    FH_UNSAFE("example");
    __builtin_memcpy(to, from, sizeof *to);
}
