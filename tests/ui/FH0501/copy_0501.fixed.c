/* copy_0501.fixed.c: accepted, the corrected twin of copy_0501.c. */
#include "../ui.h"

void f(fh_mut int *to, fh_ref const int *from) {
    *to = *from;
}
