/* address_0511.fixed.c: accepted, the corrected twin of address_0511.c. */
#include "../ui.h"

int sum(fh_ref fh_counted(2) const int *at, unsigned long count);
fh_owned_or_null fh_counted(1) int *ints_new(unsigned long count);
void ints_free(fh_drop int *at);

int f(unsigned long n) {
    int *all = ints_new(n);
    if (all == NULL)
        return 0;
    int total = sum(all, n);
    ints_free(all);
    return total;
}
