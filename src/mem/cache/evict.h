/* evict.h: which entry of a cache goes first: least recently used, segmented LRU, LFU with ageing, the optimum.
 *
 *     fh_evict_fresh(&e, i);            an entry begins
 *     fh_evict_idle(&e, i, uses);       nobody uses it any more: it is the newest in its list
 *     i = fh_evict_victim(&e);          the first to go; if it is in use again, fh_evict_leave(&e, i) and ask again
 *     fh_evict_take(&e);                it goes
 *
 * An entry is a number; its node lies wherever the owner keeps it, one each `stride` bytes. An entry that somebody begins to
 * use stays where it is, so that this costs nothing; it takes its new place when it is idle again. So the victim may turn out
 * to be in use: then it is put out of the list, which the use has not paid for. Each call is O(1), for the optimum O(log n).
 *
 * A cache of several shards has an fh_evict for each and one fh_evict_time for all. fh_evict_victim_rank makes their victims
 * comparable: the lowest rank goes first.
 *
 * Threading: one thread at a time for each fh_evict (its shard's lock); the time is atomic. */
#ifndef FH_MEM_EVICT_H
#define FH_MEM_EVICT_H

#include "freehold/atomic.h"
#include "freehold/cache.h"

#define FH_EVICT_NONE UINT32_MAX

enum { FH_EVICT_LISTS = 64 };

/* In `prev`: the entry is in no list. */
#define FH_EVICT_UNLISTED (UINT32_MAX - 1)

typedef struct fh_evict_node {
    uint32_t prev, next; /* neighbours in its list, the newer and the older; optimum: place in the heap, nothing */
    uint64_t worth;      /* LRU 0; SLRU 0 on probation, 1 protected; LFU see evict.c */
    uint64_t stamp;      /* the clock when it became idle; optimum: position of its next use */
} fh_evict_node;

/* What the shards of a cache share. */
typedef struct fh_evict_time {
    uint64_t clock; /* counts the entries that began */
    uint64_t floor; /* LFU: the highest worth of a victim so far */
} fh_evict_time;

typedef struct fh_evict_rank {
    uint64_t worth, stamp;
} fh_evict_rank;

#define FH_EVICT_NO_RANK ((fh_evict_rank){UINT64_MAX, UINT64_MAX})

typedef struct fh_evict_list {
    uint32_t newest, oldest;
} fh_evict_list;

typedef struct fh_evict {
    fh_cache_policy policy;
    uint32_t count;  /* entries in the lists or in the heap */
    uint32_t worthy; /* those with a worth above 0; SLRU: the protected ones */
    fh_evict_time *time;
    uint8_t *nodes;
    size_t stride;
    uint64_t newest_stamp; /* LRU: of the newest entry, or UINT64_MAX */
    uint64_t used;         /* bit k: list k is not empty */
    uint64_t base;         /* no worth in the lists is below, or above base + FH_EVICT_LISTS - 1 */
    fh_evict_list lists[FH_EVICT_LISTS]; /* of worth % FH_EVICT_LISTS */
    fh_allocator *allocator;
    uint32_t *heap; /* optimum: entries, the one that is needed last on top */
} fh_evict;

/* Nodes of up to `count_max` entries, the first at `nodes`. FH_NOMEM: only the optimum allocates. */
FH_MUST_USE fh_status fh_evict_init(fh_mut fh_evict *e, fh_ref fh_allocator *a, fh_cache_policy policy,
                                    fh_mut fh_evict_time *time,
                                    fh_mut fh_evict_node *nodes, size_t stride, uint32_t count_max);
void fh_evict_deinit(fh_mut fh_evict *e);
void fh_evict_fresh(fh_mut fh_evict *e, uint32_t i);
/* Puts entry i, listed or not, where it belongs after `uses` hits. True if the victim may be another one now. */
FH_MUST_USE bool fh_evict_idle(fh_mut fh_evict *e, uint32_t i, uint32_t uses);
/* LRU: true if entry i is where fh_evict_idle would put it, which is what happens to a value that is much in use. */
static inline bool fh_evict_is_newest(const fh_evict *e, uint32_t i) {
    return e->policy == FH_CACHE_LRU && e->lists[0].newest == i && e->newest_stamp == fh_load(&e->time->clock, FH_RELAXED);
}
/* Puts an entry out of its list, if it is in one. */
void fh_evict_leave(fh_mut fh_evict *e, uint32_t i);
/* Optimum: entry i is in use, and next at this position of the trace; UINT64_MAX = never again. */
void fh_evict_next_use(fh_mut fh_evict *e, uint32_t i, uint64_t position);
/* The listed entry that goes first, FH_EVICT_NONE without any; its rank. */
uint32_t fh_evict_victim(const fh_evict *e);
fh_evict_rank fh_evict_victim_rank(const fh_evict *e);
/* Takes the victim out, as evicted. */
uint32_t fh_evict_take(fh_mut fh_evict *e);
static inline bool fh_evict_before(fh_evict_rank a, fh_evict_rank b) {
    return a.worth != b.worth ? a.worth < b.worth : a.stamp < b.stamp;
}

/* For each position of a trace of keys the position at which the same key comes next, UINT64_MAX = never. FH_NOMEM. */
FH_MUST_USE fh_status fh_evict_next_uses(fh_ref fh_allocator *a, fh_u64s trace, fh_out fh_u64s *out);

/* Verifies all links, O(count): each list runs both ways between its ends, worths lie in their lists, counts add up. */
bool fh_evict_check(const fh_evict *e);

#endif
