/* cache_core.h: the inside of a cache, for cache.c and for tests that need references with short lives.
 *
 * Threading: see cache.c. */
#ifndef FH_MEM_CACHE_CORE_H
#define FH_MEM_CACHE_CORE_H

#include "freehold/memory.h"
#include "mem/cache/cache_shard.h"
#include "mem/cache/flight.h"

struct fh_cache {
    fh_allocator *allocator;
    fh_cache_shard *shards;
    fh_cache_release *release;
    void *ctx;
    uint32_t shard_mask, entries_max;
    const char *name;
    bool on_heap;
    fh_ledger_node listed;

    fh_u64s trace, next_uses; /* the optimum's; guarded by the lock of its one shard, as is `position` */
    size_t position;

    _Alignas(64) uint64_t budget; /* atomic */
    uint64_t bytes, bytes_peak;   /* atomic: of running loads and of values not yet released */
    uint32_t entries;             /* atomic: not free */
    fh_evict_time time;

    _Alignas(64) fh_flights flights;
};

/* fh_cache_new with ages of fewer bits. */
FH_MUST_USE fh_status fh_cache_new_narrow(fh_ref fh_allocator *a, const fh_cache_config *config, unsigned age_bits,
                                          fh_out fh_cache **out);

#endif
