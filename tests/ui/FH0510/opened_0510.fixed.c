/* opened_0510.fixed.c: accepted, the corrected twin of opened_0510.c. */
#include "../ui.h"

int f(fh_ref const int *at, int i) {
    return *at + i;
}
