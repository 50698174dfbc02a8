/* cache.h: a concurrent map from 64-bit keys to counted values that are loaded once, within a budget of bytes.
 *
 *     fh_cache *cache;
 *     FH_TRY(fh_cache_new(a, &(fh_cache_config){.budget_bytes = 8 << 20, .release = free_expert, .ctx = file}, &cache));
 *     fh_cache_ref ref;
 *     void *expert;
 *     FH_TRY(fh_cache_acquire(cache, key, &(fh_cache_loader){read_expert, file, size_bytes}, &ref, &expert));
 *     …
 *     FH_TRY(fh_cache_drop(cache, ref));                              FH_DOUBLE_FREE or FH_STALE the second time
 *
 * A missing key is loaded by the first thread that asks; the others wait for its result, good or bad. Before the loader runs,
 * its bytes are reserved, for which idle values are evicted. A value is idle while it has no reference and no pin; nothing else
 * is evicted, because nothing else would give its bytes back.
 *
 * What the budget covers: the bytes of all loads that run and of all values that have not been released, whether in the map or
 * removed from it and still referenced. A value's bytes return when its release callback has. At all times
 *
 *     bytes = loading + in the map + leaving ≤ budget            (above it only after fh_cache_resize to less than is in use)
 *
 * The cache's own tables (about 130 bytes a value at most) are not in it.
 *
 * References: each is a number of its own, even among those of one value. So the second drop of one is refused, exactly,
 * however many others are live, and never ends a value that somebody else uses. A reference may go to another thread, which
 * then drops it.
 *
 * Order: on one thread, what is evicted depends on nothing but the sequence of calls. Several shards keep the order of one list
 * among them, except that uses between the same two loads may count as simultaneous.
 *
 * Threading: every function may be called from any thread, except where it says otherwise. Callbacks run outside all locks and
 * may use the cache. A wait that could not end, because the load waits for one of the calling thread's own, directly or through
 * other threads, is refused: FH_INVALID.
 *
 * Ownership: the cache owns the values from the loader's success to the release callback. */
#ifndef FREEHOLD_CACHE_H
#define FREEHOLD_CACHE_H

#include "freehold/alloc.h"

FH_EXTERN_BEGIN

/* A cache. */
typedef struct fh_cache fh_cache;

/* One counted reference to a value; 0 is never valid. */
typedef struct fh_cache_ref {
    uint64_t value;
} fh_cache_ref;

/* Which idle value goes first. */
typedef enum fh_cache_policy {
    FH_CACHE_LRU = 0, /* the one whose last use ended first */
    FH_CACHE_SLRU,    /* segmented: values used once before values used again; at most 4/5 of them are protected so */
    FH_CACHE_LFU,     /* the least often used; counts age as values are evicted, ties go by recency (LFU with dynamic ageing:
                         Arlitt, Cherkasova, Dilley, Friedrich, Jin 2000) */
    FH_CACHE_OPTIMUM, /* the one needed last in a trace known in advance (Belady 1966), for measurement: one shard, one thread,
                         and calls that follow the trace. The best there is for values of equal size */
} fh_cache_policy;

/* Ends a value: called once for each loader's success, when the last reference is gone and the value is not in the map. */
typedef void fh_cache_release(void *ctx, uint64_t key, void *value, uint64_t size_bytes);

enum { FH_CACHE_SHARDS_MAX = 64, FH_CACHE_ENTRIES_MAX = 1 << 24, FH_CACHE_REFS_MAX = 1 << 18 };

/* What a cache is. Zero means the default. */
typedef struct fh_cache_config {
    uint64_t budget_bytes;      /* 0 is a budget too: for values of 0 bytes */
    uint32_t entries_max;       /* values and loads at a time, at most FH_CACHE_ENTRIES_MAX; 0 = 65536 */
    uint32_t refs_max;          /* references at a time to the values of one shard, at most FH_CACHE_REFS_MAX; 0 = 65536 */
    uint32_t shards;            /* a power of two, at most FH_CACHE_SHARDS_MAX; 0 = 16, or 1 for FH_CACHE_OPTIMUM */
    fh_cache_policy policy;
    fh_cache_release *release;  /* NULL: values need no end */
    void *ctx;                  /* for release */
    fh_u64s trace;              /* FH_CACHE_OPTIMUM: the keys of all calls of get and acquire to come, in order; copied */
    const char *name;           /* for reports; lives as long as the cache; NULL = "cache" */
    bool on_heap;               /* values are blocks of fh_heap(): a report counts them once, here */
} fh_cache_config;

/* How to load a missing value. */
typedef struct fh_cache_loader {
    /* Makes the value of `key`; anything but FH_OK is a failure, which all who wait get, and leaves no entry. It may use the
     * cache for other keys. */
    fh_status (*load)(void *ctx, uint64_t key, void **value);
    void *ctx;
    uint64_t size_bytes; /* what the value counts in the budget */
} fh_cache_loader;

/* What a cache has done so far and holds now. */
typedef struct fh_cache_stats {
    uint64_t hits, misses, waits;             /* calls that found a value; found none; found a load running */
    uint64_t loads, load_failures;            /* loaders called; of these failed */
    uint64_t no_room;                         /* loads refused because what is in use leaves no room */
    uint64_t evictions, removals;             /* values put out of the map by the policy; by remove and clear */
    uint64_t stale_uses, double_frees, wrong_caches, self_waits; /* refusals */
    uint64_t entries, leaving, loading, pinned, refs; /* now: values in the map, out of it and referenced, loads, pinned values,
                                                         references */
    uint64_t bytes, bytes_peak, budget_bytes; /* as the head of the file says */
} fh_cache_stats;

/* Makes an empty cache. FH_INVALID for a configuration that is none; FH_NOMEM. */
FH_FALLIBLE fh_cache_new(fh_ref fh_allocator *a, fh_ref const fh_cache_config *config, fh_owned fh_view(1) fh_cache **out);
/* Ends it and releases its values, pinned ones too. Nobody else uses it any more and no reference is left: both are asserted.
 * NULL is allowed. */
FH_API void fh_cache_free(fh_drop fh_cache *cache);

/* A reference to the value of `key` if it is there, and the value itself unless `value` is NULL; it is valid until the
 * reference is dropped. FH_NOT_FOUND; FH_AGAIN while it is being loaded; FH_EXHAUSTED without a free reference; FH_INVALID off
 * the optimum's trace. */
FH_FALLIBLE fh_cache_get(fh_mut fh_cache *cache, uint64_t key, fh_out fh_cache_ref *ref, fh_out void **value);
/* The same, loading what is missing or waiting for another's load of it. FH_LIMIT when it is larger than the budget;
 * FH_EXHAUSTED when values in use leave no room, or without a free reference; FH_NOMEM; FH_INVALID for a wait without end; and
 * the loader's own. */
FH_FALLIBLE fh_cache_acquire(fh_mut fh_cache *cache, uint64_t key, fh_ref const fh_cache_loader *loader,
                             fh_out fh_cache_ref *ref, fh_out void **value);
/* The value of a reference. Takes no lock. Valid until: the reference is dropped. FH_STALE for one that was dropped and for
 * zero; FH_WRONG_POOL for one that this cache never gave. */
FH_FALLIBLE fh_cache_view(fh_ref fh_cache *cache, fh_cache_ref ref, fh_out void **out) fh_view(2);
/* One more reference to the same value, in the map or not. Refused like fh_cache_view; FH_EXHAUSTED. */
FH_FALLIBLE fh_cache_share(fh_mut fh_cache *cache, fh_cache_ref ref, fh_out fh_cache_ref *out);
/* Ends a reference. FH_DOUBLE_FREE the second time; FH_STALE once its number has another life; FH_WRONG_POOL. */
FH_FALLIBLE fh_cache_drop(fh_mut fh_cache *cache, fh_cache_ref ref);

/* Keeps a value from eviction, used or not, until as many unpins. FH_NOT_FOUND; FH_AGAIN while it is being loaded; FH_LIMIT
 * after 2^32 − 1 pins. */
FH_FALLIBLE fh_cache_pin(fh_mut fh_cache *cache, uint64_t key);
/* Ends one pin. FH_NOT_FOUND; FH_INVALID without a pin. */
FH_FALLIBLE fh_cache_unpin(fh_mut fh_cache *cache, uint64_t key);

/* Takes a value out of the map; it lives on for those who have references. A load that runs is cut off from the map: it ends
 * for those who wait, and the next acquire begins another. FH_NOT_FOUND; FH_BORROWED while it is pinned. */
FH_FALLIBLE fh_cache_remove(fh_mut fh_cache *cache, uint64_t key);
/* The same for all keys that are not pinned. */
FH_API void fh_cache_clear(fh_mut fh_cache *cache);
/* Sets the budget and evicts what is above it. FH_AGAIN if values in use still are: as they become idle they go, and until
 * then nothing is loaded. */
FH_FALLIBLE fh_cache_resize(fh_mut fh_cache *cache, uint64_t budget_bytes);

/* Counters, each shard's at a moment of its own. */
FH_API fh_cache_stats fh_cache_stats_get(fh_mut fh_cache *cache);
/* Verifies every invariant, O(entries + references), while nobody else uses the cache. FH_CORRUPT with what is wrong. */
FH_FALLIBLE fh_cache_check(fh_mut fh_cache *cache, fh_mut fh_err *err);

FH_EXTERN_END
#endif
