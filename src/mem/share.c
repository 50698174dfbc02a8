/* share.c: counted handles.
 *
 * Invariant: the count is the number of owners; nobody who has none touches it. The last one reads the subtraction that made
 * 0, and so sees all that the others did. Threading: atomic. */
#include "freehold/share.h"

#include "freehold/atomic.h"
#include "freehold/status.h"

enum { HANDLES_BITS_MAX = 62 };

void fh_handles_init(fh_handles *h) {
    fh_store(&h->count, 1, FH_RELAXED);
}

void *fh_handles_share(fh_handles *h, void *object) {
    uint64_t before = fh_fetch_add(&h->count, 1, FH_RELAXED);
    FH_ASSERT(before != 0 && before >> HANDLES_BITS_MAX == 0);
    return object;
}

bool fh_handles_end(fh_handles *h) {
    uint64_t before = fh_fetch_sub(&h->count, 1, FH_ACQ_REL);
    FH_ASSERT(before != 0);
    return before == 1;
}

void fh_handles_forget(void *object) {
    (void)object;
}
