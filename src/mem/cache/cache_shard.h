/* cache_shard.h: one shard of a cache: a table from keys to entries, the entries, and the references to them.
 *
 * Threading: a shard belongs to the thread that holds its lock, except for what the lines below call atomic. */
#ifndef FH_MEM_CACHE_SHARD_H
#define FH_MEM_CACHE_SHARD_H

#include "mem/cache/evict.h"
#include "mem/sync/lock.h"

#define FH_CACHE_NONE UINT32_MAX

typedef enum fh_cache_state { FH_ENTRY_FREE = 0, FH_ENTRY_LOADING, FH_ENTRY_RESIDENT, FH_ENTRY_FAILED } fh_cache_state;

/* A value, or the load of one. */
typedef struct fh_cache_entry {
    uint64_t key, size_bytes;
    uint8_t *value; /* atomic: what the loader made */
    fh_evict_node node;
    /* Count and pins are apart: a compiler would test neighbours by one load, which would wait for the store of the count. */
    uint32_t count; /* references; free: the next free entry */
    uint16_t code;  /* FAILED: the loader's */
    uint8_t uses;   /* hits since it was idle, at most 255 */
    bool mapped;    /* the table has it */
    uint32_t pins;
    uint32_t state; /* atomic: an fh_cache_state; those who wait for a load sleep at it */
} fh_cache_entry;

_Static_assert(sizeof(fh_cache_entry) == 64, "one line of the processor's cache");

/* One reference. */
typedef struct fh_cache_slot {
    uint64_t number; /* atomic: {age, slot, shard}; the age is odd while the reference lives, and then this is its number */
    uint32_t entry;  /* atomic */
    uint32_t next;   /* free: the next free slot */
} fh_cache_slot;

/* An array that grows in place: `made` elements were used so far, `room` have memory, `max` have addresses. */
typedef struct fh_cache_column {
    uint8_t *at;
    size_t each, committed_bytes, reserved_bytes;
    uint32_t made, room, max; /* made: atomic */
} fh_cache_column;

/* What a hit touches comes first. */
typedef struct fh_cache_shard {
    _Alignas(64) uint32_t lock;
    uint32_t guarded;    /* stands for all that the lock guards, for the interleaving explorer */
    uint64_t *cells;     /* low half of a key's hash << 32 | entry + 1; 0: empty */
    uint32_t mask;       /* cells − 1 */
    uint32_t free_slot;  /* FH_CACHE_NONE: none */
    uint32_t slots_live;
    uint32_t free_entry; /* FH_CACHE_NONE: none */
    uint64_t first;      /* the number of slot 0 at age 0 */
    uint64_t age_max;    /* a slot of this age, which is even, is retired */
    uint64_t hits;
    fh_cache_column entries, slots;
    fh_evict evict;
    uint32_t mapped; /* cells in use */
    uint32_t entries_live, loading, pinned, slots_retired;
    fh_cache_stats stats; /* the counters of what was done, but for the hits */
    fh_allocator *allocator;
    _Alignas(64) fh_evict_rank victim; /* atomic, word by word: of evict's victim, for threads that look for the lowest */
} fh_cache_shard;

/* The pieces of a reference's number: {age + the cache's seed, slot, shard}. The seed is even. */
enum { FH_CACHE_AGE_BITS = 40, FH_CACHE_SHARD_BITS = 6, FH_CACHE_INDEX_BITS = 64 - FH_CACHE_AGE_BITS };
#define FH_CACHE_ONE_AGE (UINT64_C(1) << FH_CACHE_INDEX_BITS)

/* `first` is the number of slot 0 at age 0; ages end after `age_bits`. FH_NOMEM. */
FH_MUST_USE fh_status fh_shard_init(fh_mut fh_cache_shard *s, fh_ref fh_allocator *a, const fh_cache_config *config,
                                    fh_mut fh_evict_time *time,
                                    uint64_t first, unsigned age_bits);
void fh_shard_deinit(fh_mut fh_cache_shard *s);

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
static inline uint32_t fh_shard_find(const fh_cache_shard *s, uint64_t key, uint32_t tag) {
    FH_UNSAFE("cache-table");
    uint64_t cell;
    for (uint32_t at = tag & s->mask; (cell = s->cells[at]) != 0; at = (at + 1) & s->mask)
        if (cell >> 32 == tag && fh_shard_entry(s, (uint32_t)cell - 1)->key == key)
            return (uint32_t)cell - 1;
    return FH_CACHE_NONE;
}
/* Makes an entry LOADING, in the table, without a reference. FH_EXHAUSTED, FH_NOMEM. */
FH_MUST_USE fh_status fh_shard_add(fh_mut fh_cache_shard *s, uint64_t key, uint32_t tag, uint64_t size_bytes,
                                   fh_out uint32_t *out);
/* Ends the load of an entry, which is referenced: its value, or its failure, which leaves the table. */
void fh_shard_loaded(fh_mut fh_cache_shard *s, uint32_t i, fh_status status, fh_mut void *value);
/* Takes an entry out of table and lists. */
void fh_shard_unmap(fh_mut fh_cache_shard *s, uint32_t i);
/* Ends an entry that is neither mapped nor referenced. */
void fh_shard_end(fh_mut fh_cache_shard *s, uint32_t i);

/* Lives begun and ended at a number of this shard. */
static inline uint64_t fh_shard_age(const fh_cache_shard *s, uint64_t number) {
    return (number - s->first) >> FH_CACHE_INDEX_BITS;
}
/* True for the number of a reference, false for that of a slot between two lives. */
static inline bool fh_shard_is_life(uint64_t number) {
    return (number & FH_CACHE_ONE_AGE) != 0;
}

/* A free slot. FH_EXHAUSTED, FH_NOMEM. */
FH_MUST_USE fh_status fh_shard_new_slot(fh_mut fh_cache_shard *s, fh_out uint32_t *out_slot);
/* One more reference to entry i. Refused like fh_shard_new_slot. */
FH_MUST_USE static inline fh_status fh_shard_refer(fh_cache_shard *s, uint32_t i, uint32_t *out_slot) {
    uint32_t k = s->free_slot;
    if (FH_LIKELY(k != FH_CACHE_NONE))
        s->free_slot = fh_shard_slot(s, k)->next;
    else
        FH_TRY(fh_shard_new_slot(s, &k));
    fh_cache_slot *slot = fh_shard_slot(s, k);
    fh_store(&slot->entry, i, FH_RELEASE);
    fh_store(&slot->number, slot->number + FH_CACHE_ONE_AGE, FH_RELAXED);
    s->slots_live++;
    fh_shard_entry(s, i)->count++;
    *out_slot = k;
    return FH_DONE;
}

/* The shard's victim may be another one. */
void fh_shard_publish(fh_mut fh_cache_shard *s);
/* After a reference or a pin ended: an idle entry takes its place in the lists. */
static inline void fh_shard_settle(fh_cache_shard *s, uint32_t i) {
    fh_cache_entry *e = fh_shard_entry(s, i);
    if (e->count != 0 || e->pins != 0 || !e->mapped || e->state != FH_ENTRY_RESIDENT)
        return;
    if (!fh_evict_is_newest(&s->evict, i) && fh_evict_idle(&s->evict, i, e->uses))
        fh_shard_publish(s);
    e->uses = 0;
}

/* Ends a reference. Returns the entry. */
static inline uint32_t fh_shard_unrefer(fh_cache_shard *s, uint32_t k) {
    fh_cache_slot *slot = fh_shard_slot(s, k);
    uint64_t number = slot->number + FH_CACHE_ONE_AGE;
    fh_store(&slot->number, number, FH_RELAXED);
    s->slots_live--;
    if (FH_UNLIKELY(fh_shard_age(s, number) == s->age_max)) {
        s->slots_retired++;
    } else {
        slot->next = s->free_slot;
        s->free_slot = k;
    }
    fh_shard_entry(s, slot->entry)->count--;
    fh_shard_settle(s, slot->entry);
    return slot->entry;
}
/* One more or one fewer pin of a resident entry. */
void fh_shard_pin(fh_mut fh_cache_shard *s, uint32_t i);
void fh_shard_unpin(fh_mut fh_cache_shard *s, uint32_t i);
/* Puts the victim out of lists and table. FH_CACHE_NONE if it turned out to be in use: the shard has another one now, or none.
 * */
uint32_t fh_shard_evict(fh_mut fh_cache_shard *s);

/* Verifies the shard, O(entries + references), and adds the bytes of its loads and values. */
FH_MUST_USE fh_status fh_shard_check(const fh_cache_shard *s, fh_mut uint64_t *bytes, fh_mut fh_err *err);

#endif
