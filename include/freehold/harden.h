/* harden.h: pools that also find what raw pointers do behind their back. A switch at run time, for one pool
 * (fh_pool_config.hardened) or for all.
 *
 *     fh_pool_harden_all(true);                       every pool that is made from now on
 *     fh_pool_on_overwritten(log_line, log);          void log_line(void *ctx, const fh_err *report)
 *
 * Handles are checked in every pool. A hardened one makes these defined as well:
 *
 *     a write through a pointer kept after the release     found when the slot would be given out again, or by fh_pool_reap or
 *                                                          fh_pool_check; a read gives bytes of 0xdf, never another life's data
 *     the same, of a sampled slot (one alloc of 5000)      ends the program at the access
 *     a write past an object, into the next 8 bytes        fh_pool_release says FH_OVERWRITTEN
 *     a write that runs on, or leaps out of a small pool   ends the program at a page that traps, which follows after 64 KiB of
 *                                                          small slots, and at both ends of the pool
 *
 * A slot that was written to is never given out: alloc takes another one. The slot is retired, counted in `overwritten` and
 * told to the alarm. fh_pool_reap looks at all free slots, retires likewise, and returns FH_OVERWRITTEN if it found one;
 * fh_pool_check changes nothing. A release that returns FH_OVERWRITTEN has ended the life all the same.
 *
 * The price: slots rest before they live again (a quarter more of them than the capacity, at most 64 KiB), are filled and
 * compared, lie in random order, and have at least 8 bytes more; a life of 64 bytes takes some 12 ns more (bench_hard).
 * fh_pool_trim gives nothing back, and slots of a shared pool are everybody's: a release by another thread is not sent, but
 * done. Each view of a shared one takes and keeps back up to 64 slots, or max_capacity / 16. Nothing else is different.
 *
 * Threading: see each function. */
#ifndef FREEHOLD_HARDEN_H
#define FREEHOLD_HARDEN_H

#include "freehold/pool.h"

FH_EXTERN_BEGIN

/* Makes every pool that is made from now on a hardened one, or no longer. Any thread. */
FH_API void fh_pool_harden_all(bool on);
/* Is told of each slot that was found overwritten: FH_OVERWRITTEN, the pool's name, the slot, and in offset_bytes the first
 * bad byte in it (FH_NO_OFFSET if that cannot be told). Runs outside every lock, on the thread that found it. */
typedef void fh_pool_alarm(void *ctx, fh_ref const fh_err *report);
/* Sets the alarm of the process; NULL: none. Before the first hardened pool is made. */
FH_API void fh_pool_on_overwritten(fh_pool_alarm *alarm, fh_mut void *ctx);
/* What became of a handle of any pool: FH_OK while it is live; else FH_STALE or FH_WRONG_POOL, and `err` tells of the slot's
 * lives, and of a sampled slot the code addresses where its last life was allocated and released. Counts nothing. Threads as
 * for fh_pool_get. */
FH_FALLIBLE fh_pool_explain(fh_mut fh_pool *pool, fh_handle h, fh_mut fh_err *err);

FH_EXTERN_END
#endif
