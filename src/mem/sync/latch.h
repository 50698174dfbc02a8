/* latch.h: a count of what is open, where one may wait until nothing is, and end whatever the count lies in.
 *
 *     fh_latch_open(&c->open);                                what opens
 *     fh_latch_close(&c->open);                               what closes, last of all that it does with *c
 *     if (fh_latch_wait(&c->open)) fh_free(a, c);             who ends it, once nothing opens any more
 *
 * Zero is a count of nothing. Invariant latch-last: a close is one subtraction, and from then on only the address is used. The
 * wake may so find memory of somebody else's, or none: it reads nothing there, and who sleeps there by then wakes for no reason
 * once more than anyway.
 *
 * Threading: any thread. What was done before a close comes before the end of the wait. */
#ifndef FH_MEM_LATCH_H
#define FH_MEM_LATCH_H

#include "freehold/atomic.h"
#include "freehold/os.h"

static inline void fh_latch_open(fh_mut uint32_t *open) {
    (void)fh_fetch_add(open, 1, FH_RELAXED);
}

static inline void fh_latch_close(fh_mut uint32_t *open) {
    if (fh_fetch_sub(open, 1, FH_RELEASE) == 1)
        fh_os_wake(open, UINT32_MAX);
}

/* Sleeps until the count is 0; false after a signal. */
FH_MUST_USE static inline bool fh_latch_wait(fh_ref const uint32_t *open) {
    for (uint32_t seen = fh_load(open, FH_ACQUIRE); seen != 0; seen = fh_load(open, FH_ACQUIRE))
        if (fh_os_wait(open, seen))
            return false;
    return true;
}

#endif
