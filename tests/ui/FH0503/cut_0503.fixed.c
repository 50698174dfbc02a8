/* cut_0503.fixed.c: accepted, the corrected twin of cut_0503.c. */
#include "../ui.h"

int sum(fh_ref const int *at, int n);
int f(fh_ref const int *at) {
    return sum(at, 4);
}
