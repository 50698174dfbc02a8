/* lent_0508.fixed.c: accepted, the corrected twin of lent_0508.c. */
#include "../ui.h"

int sum(fh_ref const int *n);

int f(void) {
    int n = 0;
    return sum(&n);
}
