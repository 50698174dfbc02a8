/* lock.h: a lock of four bytes for short sections: a few dozen nanoseconds, seldom more.
 *
 *     fh_lock_take(&shard->lock);
 *     …
 *     fh_lock_give(&shard->lock);
 *
 * Taking it is one exchange, giving it one store: half the atomic operations of a lock that must look for sleepers. The price
 * is that nobody wakes who waits. It spins for about a microsecond, more than a section takes; if the holder was put aside by
 * the system, it naps and looks again, so it neither keeps a processor from the holder nor starves one of lower priority.
 *
 * Zero is an open lock. Threading: that is what it is for. */
#ifndef FH_MEM_LOCK_H
#define FH_MEM_LOCK_H

#include "freehold/atomic.h"
#include "freehold/os.h"

enum { FH_LOCK_SPINS = 64, FH_LOCK_NAP_NS = 20000 };

/* A lock that is held: waits for it. */
static inline void fh_lock_wait(uint32_t *lock) {
    for (unsigned turn = 1; fh_load(lock, FH_RELAXED) != 0 || fh_exchange(lock, 1, FH_ACQUIRE) != 0; turn++) {
        if (turn % FH_LOCK_SPINS == 0)
            fh_os_nap(FH_LOCK_NAP_NS);
        else
            fh_pause();
    }
}

static inline void fh_lock_take(uint32_t *lock) {
    if (FH_UNLIKELY(fh_exchange(lock, 1, FH_ACQUIRE) != 0))
        fh_lock_wait(lock);
}

static inline void fh_lock_give(uint32_t *lock) {
    fh_store(lock, 0, FH_RELEASE);
}

#endif
