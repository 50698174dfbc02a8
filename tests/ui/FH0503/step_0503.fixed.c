/* step_0503.fixed.c: accepted, the corrected twin of step_0503.c. */
#include "../ui.h"

int f(fh_ref const int *at) {
    int n = *at;
    return n + *at;
}
