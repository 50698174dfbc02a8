/* bytes_0511.c: deed refuses it as FH0511, a count that nobody measured. */
#include "../ui.h"

int sum(fh_ref fh_counted(2) const int *at, unsigned long count);
fh_owned_or_null fh_counted(1) void *block_new(unsigned long size);
void block_free(fh_drop void *at);

int f(unsigned long n) {
    int *all = block_new(n);
    if (all == NULL)
        return 0;
    int total = sum(all, n); //~ FH0511
    block_free(all);
    return total;
}
