/* lent_0508.c: deed refuses it as FH0508, a local that is not initialised. */
#include "../ui.h"

int sum(fh_ref const int *n);

int f(void) {
    int n;
    return sum(&n); //~ FH0508
}
