/* add_0503.fixed.c: accepted, the corrected twin of add_0503.c. */
#include "../ui.h"

int f(fh_ref const int *at, int i) {
    return *at + i;
}
