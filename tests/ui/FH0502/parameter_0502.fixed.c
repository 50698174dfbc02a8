/* parameter_0502.fixed.c: accepted, the corrected twin of parameter_0502.c. */
#include "../ui.h"

int f(fh_ref const int *at, int i) {
    return *at + i;
}
