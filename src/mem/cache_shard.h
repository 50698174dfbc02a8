/* cache_shard.h: one shard of a cache: a table from keys to entries, the entries, and the references to them.
 *
 * Threading: a shard belongs to the thread that holds its lock, except for what the lines below call atomic. */
#ifndef FH_MEM_CACHE_SHARD_H
#define FH_MEM_CACHE_SHARD_H

#include "mem/evict.h"
#include "mem/lock.h"

#define FH_CACHE_NONE UINT32_MAX

typedef enum fh_cache_state { FH_ENTRY_FREE = 0, FH_ENTRY_LOADING, FH_ENTRY_RESIDENT, FH_ENTRY_FAILED } fh_cache_state;

/* A value, or the load of one. */
typedef struct fh_cache_entry {
    uint64_t key, size_bytes;
    void *value; /* atomic: written before the first reference to it can be viewed */
    fh_evict_node node;
    uint32_t count; /* references; free: the next free entry */
    uint32_t pins;
    uint32_t state; /* atomic: an fh_cache_state; those who wait for a load sleep at it */
    uint16_t code;  /* FAILED: the loader's */
    bool mapped;    /* the table has it */
} fh_cache_entry;

_Static_assert(sizeof(fh_cache_entry) == 64, "one line of the processor's cache");

/* One reference. */
typedef struct fh_cache_slot {
    uint64_t age;   /* atomic: lives begun and ended; odd while the reference lives */
    uint32_t entry; /* atomic */
    uint32_t next;  /* free: the next free slot */
} fh_cache_slot;

/* An array that grows in place: `made` elements were used so far, `room` have memory, `max` have addresses. */
typedef struct fh_cache_column {
    uint8_t *at;
    size_t each, committed_bytes, reserved_bytes;
    uint32_t made, room, max; /* made: atomic */
} fh_cache_column;

typedef struct fh_cache_shard {
    _Alignas(64) uint32_t lock;
    uint32_t guarded;     /* stands for all that the lock guards, for the interleaving explorer */
    uint64_t *cells;      /* low half of a key's hash << 32 | entry + 1; 0: empty */
    uint32_t mask;        /* cells − 1 */
    uint32_t mapped;      /* cells in use */
    uint32_t free_entry;  /* FH_CACHE_NONE: none */
    uint32_t free_slot;
    fh_cache_column entries, slots;
    uint64_t age_max;     /* a slot of this age, which is even, is retired */
    uint32_t entries_live, loading, pinned, slots_live, slots_retired;
    fh_cache_stats stats; /* the counters of what was done */
    fh_allocator *allocator;
    fh_evict evict;
    _Alignas(64) fh_evict_rank victim; /* atomic, word by word: of evict's victim, for threads that look for the lowest */
} fh_cache_shard;

/* The pieces of a reference's number: {age + the cache's seed, slot, shard}. */
enum { FH_CACHE_AGE_BITS = 40, FH_CACHE_SHARD_BITS = 6, FH_CACHE_INDEX_BITS = 64 - FH_CACHE_AGE_BITS };

FH_MUST_USE fh_status fh_shard_init(fh_cache_shard *s, fh_allocator *a, const fh_cache_config *config, fh_evict_time *time,
                                    unsigned age_bits);
void fh_shard_deinit(fh_cache_shard *s);

static inline void fh_shard_lock(fh_cache_shard *s) {
    fh_lock_take(&s->lock);
    FH_WRITES(&s->guarded, sizeof s->guarded);
}
static inline void fh_shard_unlock(fh_cache_shard *s) {
    fh_lock_give(&s->lock);
}

/* Entry i, which was made. */
static inline fh_cache_entry *fh_shard_entry(const fh_cache_shard *s, uint32_t i) {
    FH_UNSAFE("cache-column");
    return (fh_cache_entry *)(void *)s->entries.at + i;
}
static inline fh_cache_slot *fh_shard_slot(const fh_cache_shard *s, uint32_t i) {
    FH_UNSAFE("cache-column");
    return (fh_cache_slot *)(void *)s->slots.at + i;
}

/* The entry of a key whose hash ends in `tag`, or FH_CACHE_NONE. */
uint32_t fh_shard_find(const fh_cache_shard *s, uint64_t key, uint32_t tag);
/* Makes an entry LOADING, in the table, without a reference. FH_EXHAUSTED, FH_NOMEM. */
FH_MUST_USE fh_status fh_shard_add(fh_cache_shard *s, uint64_t key, uint32_t tag, uint64_t size_bytes, uint32_t *out);
/* Ends the load of an entry, which is referenced: its value, or its failure, which leaves the table. */
void fh_shard_loaded(fh_cache_shard *s, uint32_t i, fh_status status, void *value);
/* Takes an entry out of table and lists. */
void fh_shard_unmap(fh_cache_shard *s, uint32_t i);
/* Ends an entry that is neither mapped nor referenced. */
void fh_shard_end(fh_cache_shard *s, uint32_t i);

/* One more reference to entry i, which leaves the eviction lists with the first. FH_EXHAUSTED, FH_NOMEM. */
FH_MUST_USE fh_status fh_shard_refer(fh_cache_shard *s, uint32_t i, uint32_t *out_slot);
/* Ends a reference; with the last one an idle entry enters the lists. Returns the entry. */
uint32_t fh_shard_unrefer(fh_cache_shard *s, uint32_t slot);
/* One more or one fewer pin of a resident entry; the first takes it out of the eviction lists, the last puts it back. */
void fh_shard_pin(fh_cache_shard *s, uint32_t i);
void fh_shard_unpin(fh_cache_shard *s, uint32_t i);
/* Puts the victim out of lists and table; FH_CACHE_NONE without one. */
uint32_t fh_shard_evict(fh_cache_shard *s);

/* Verifies the shard, O(entries + references), and adds the bytes of its loads and values. */
FH_MUST_USE fh_status fh_shard_check(const fh_cache_shard *s, uint64_t *bytes, fh_err *err);

#endif
