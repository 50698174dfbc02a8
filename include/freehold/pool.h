/* pool.h: a fixed number of equal slots reached by handles that know when they are stale.
 *
 *     fh_pool *pool;
 *     FH_TRY(fh_pool_new(a, sizeof(struct sequence), 16, &pool));
 *     fh_handle h;
 *     FH_TRY(fh_pool_alloc(pool, &h));
 *     void *at;
 *     FH_TRY(fh_pool_get(pool, h, &at));                    FH_STALE once h was released
 *     struct sequence *s = at;
 *     FH_TRY(fh_pool_release(pool, h));                     FH_DOUBLE_FREE the second time
 *
 * A handle is {generation, index}; a slot's generation is odd exactly while it is live, starts from a seed of the pool's
 * own (so a handle of another pool fails), and is never reused: a slot whose generation would wrap is retired. Checks are
 * on in every build.
 *
 * Invariants: live + free + retired = capacity; a handle opens at most one life of one slot; slots never move.
 * Threading: one thread at a time. */
#ifndef FREEHOLD_POOL_H
#define FREEHOLD_POOL_H

#include "freehold/alloc.h"

FH_EXTERN_BEGIN

/* A pool of slots of one size. */
typedef struct fh_pool fh_pool;

/* A checked reference to a slot; 0 is never valid. */
typedef struct fh_handle {
    uint64_t value;
} fh_handle;

/* What a pool has done so far. */
typedef struct fh_pool_stats {
    uint64_t live, capacity, peak, allocs, stale_uses, double_frees, retired;
} fh_pool_stats;

/* `capacity` slots of `size_bytes` each, zeroed at each alloc. */
FH_FALLIBLE fh_pool_new(fh_ref fh_allocator *a, size_t size_bytes, uint32_t capacity, fh_owned fh_pool **out);
/* Ends the pool with all of its slots; NULL is allowed. */
FH_API void fh_pool_free(fh_drop fh_pool *pool);
/* A free slot; FH_EXHAUSTED when there is none. */
FH_FALLIBLE fh_pool_alloc(fh_mut fh_pool *pool, fh_out fh_handle *out);
/* The slot behind a handle. Valid until: the handle is released. FH_STALE for a handle that was released and for the zero
 * handle; FH_WRONG_POOL for one that this pool never gave. */
FH_FALLIBLE fh_pool_get(fh_mut fh_pool *pool, fh_handle h, fh_out void **out);
/* Gives a slot back. Refusals change nothing: FH_DOUBLE_FREE the second time, FH_STALE once the slot has another life,
 * FH_WRONG_POOL as in fh_pool_get. */
FH_FALLIBLE fh_pool_release(fh_mut fh_pool *pool, fh_handle h);
/* Counters. */
FH_API fh_pool_stats fh_pool_stats_get(fh_ref const fh_pool *pool);

FH_EXTERN_END
#endif
