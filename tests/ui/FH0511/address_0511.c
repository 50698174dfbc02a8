/* address_0511.c: deed refuses it as FH0511, a count that nobody measured. */
#include "../ui.h"

int sum(fh_ref fh_counted(2) const int *at, unsigned long count);
fh_owned_or_null fh_counted(1) int *ints_new(unsigned long count);
void ints_free(fh_drop int *at);

void widen(fh_mut unsigned long *n);

int f(unsigned long n) {
    int *all = ints_new(n);
    if (all == NULL)
        return 0;
    widen(&n);
    int total = sum(all, n); //~ FH0511
    ints_free(all);
    return total;
}
