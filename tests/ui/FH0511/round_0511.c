/* round_0511.c: deed refuses it as FH0511, a count that nobody measured. */
#include "../ui.h"

int sum(fh_ref fh_counted(2) const int *at, unsigned long count);
fh_owned_or_null fh_counted(1) int *ints_new(unsigned long count);
void ints_free(fh_drop int *at);

int f(unsigned long n) {
    int *all = ints_new(n), total = 0;
    if (all == NULL)
        return 0;
    for (int i = 0; i < 2; i++) {
        total += sum(all, n); //~ FH0511
        n += 1;
    }
    ints_free(all);
    return total;
}
