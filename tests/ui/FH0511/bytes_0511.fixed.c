/* bytes_0511.fixed.c: accepted, the corrected twin of bytes_0511.c. */
#include "../ui.h"

int sum(fh_ref fh_counted(2) const int *at, unsigned long count);
fh_owned_or_null fh_counted(1, 2) void *block_new(unsigned long count, unsigned long size);
void block_free(fh_drop void *at);

int f(unsigned long n) {
    int *all = block_new(n, sizeof *all);
    if (all == NULL)
        return 0;
    int total = sum(all, n);
    block_free(all);
    return total;
}
