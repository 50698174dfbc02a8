/* write_0502.fixed.c: accepted, the corrected twin of write_0502.c. */
#include "../ui.h"

void f(fh_mut int *at) {
    *at = 3;
}
