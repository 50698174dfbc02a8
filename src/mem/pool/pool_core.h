/* pool_core.h: what the files of the pool share: the pool itself, the words of its slots, and the table of a policy.
 *
 *     fh_pool (a view: one thread's access)  →  fh_pool_core (once a pool: configuration, words, slots)
 *        policy: who may take, give back and change slots         confined, serial  pool_local.c
 *                                                                 shared ones       pool_shared.c, pool_depot.c
 *                                                                 hardened          pool_hard.c
 *
 * pool.c does what all policies have in common: it checks the thread, reads a slot's word, decides what an operation makes of
 * it, and runs hooks. A policy says how a free slot is found, where it goes, and how a word is changed. pool_region.c has the
 * memory.
 *
 * The life of a slot, as pool.c drives it (w = the slot's word, g = its generation):
 *
 *     alloc      policy->take(i)           word {g even, FREE}; from now on nobody else has i
 *                word = {g + 1, HOOK}      zeroed, init hook
 *                word = {g + 1, 0}         a release store: the handle may travel to other threads
 *     release    policy->swap(i, w, {g + 1, HOOK})            the claim: exactly one caller wins
 *                fini hook
 *                policy->put(i, g + 2)     writes {g + 2, FREE | next} and keeps i for a later take
 *
 * An alloc whose init hook fails ends with policy->put(i, g): no handle was made, so the generation goes back.
 *
 * Invariants: pool-word: words[i] is 0 (never in use), or {generation, FREE | anything} with an even generation, or
 * {generation, borrow word} with an odd one; the age, generation − seed, never decreases from one rest to the next and is at
 * most age_end, or it is UNMADE; words of indexes from `used` on are 0. pool-slot: slot i is [i × stride, i × stride + size)
 * of a reservation that never moves, committed for i < slots; capacity ≤ slots ≤ slots_max.
 *
 * Threading: words, `slots` and `capacity` are only touched through atomic.h. Counters of a view are written by its thread
 * with plain relaxed stores and may be read by any. Everything else in fh_pool_core is fixed at fh_pool_new, or guarded by
 * the policy. */
#ifndef FH_MEM_POOL_CORE_H
#define FH_MEM_POOL_CORE_H

#include "freehold/pool.h"
#include "mem/poison.h"

#ifndef FH_MEM_CHUNKED
#ifdef __wasm__
#define FH_MEM_CHUNKED 1 /* no address space to reserve */
#else
#define FH_MEM_CHUNKED 0
#endif
#endif

/* --- words ---------------------------------------------------------------------------------------------------------- */

/* Low half of a free slot's word: the highest bit, so that no check of a live slot passes, and the next free slot. The bits
 * are the policy's own; FH_POOL_NO_SLOT has the bit too and ends a list. */
#define FH_WORD_FREE UINT32_C(0x80000000)
#define FH_WORD_INDEX UINT32_C(0x7fffffff)
/* Low half of a slot that is retired because somebody wrote where nobody may. */
#define FH_WORD_OVERWRITTEN (FH_WORD_FREE | UINT32_C(0x7ffffffe))

static inline uint64_t fh_word(uint32_t generation, uint32_t low) {
    return (uint64_t)generation << 32 | low;
}
static inline uint32_t fh_word_generation(uint64_t word) {
    return (uint32_t)(word >> 32);
}
static inline uint32_t fh_word_low(uint64_t word) {
    return (uint32_t)word;
}
static inline bool fh_word_live(uint64_t word) {
    return (word >> 32 & 1) != 0;
}
static inline uint32_t fh_handle_index(fh_handle h) {
    return (uint32_t)h.value;
}
static inline uint32_t fh_handle_generation(fh_handle h) {
    return (uint32_t)(h.value >> 32);
}

/* --- the pool ------------------------------------------------------------------------------------------------------- */

/* The generation of a slot that has a word, to be in a list, but whose eager init hook has not succeeded yet: seed − 2. */
#define FH_AGE_UNMADE (UINT32_MAX - 1)

#if FH_MEM_CHUNKED
typedef struct fh_pool_chunk {
    uint64_t *words;
    uint8_t *base, *block; /* the block that fh_alloc gave, and the aligned slots in it */
} fh_pool_chunk;
#endif

typedef struct fh_pool_policy fh_pool_policy;
typedef struct fh_pool_core fh_pool_core;

/* Refusals and events seen by one view. Only its thread writes them: FH_POOL_COUNT. */
typedef struct fh_pool_counts {
    uint64_t failures, stale_uses, double_frees, wrong_pools, borrow_conflicts, overwritten, remote_frees;
} fh_pool_counts;

enum {
    FH_POOL_ROAD_LOOKUP = 1,  /* get, view */
    FH_POOL_ROAD_BORROW = 2,  /* plain changes of a live slot's word */
    FH_POOL_ROAD_RELEASE = 4, /* fast.head is the list that a release pushes on */
    FH_POOL_ROAD_RANGE = 16,  /* the same, for a range that the policy keeps in `fast` */
    FH_POOL_ROAD_ALLOC = 8,   /* fast.head is the list that an alloc pops from */
};

#define FH_POOL_COUNT(counter) fh_store(&(counter), fh_load(&(counter), FH_RELAXED) + 1, FH_RELAXED)

/* In fh_pool.owner of a view that no thread uses. */
#define FH_POOL_NOBODY UINT64_MAX

/* In a function that programs call. */
#define FH_POOL_SITE(view)                                                                      \
    do {                                                                                        \
        FH_UNSAFE("pool-site");                                                                 \
        fh_store(&(view)->site, (uintptr_t)__builtin_return_address(0), FH_RELAXED);            \
    } while (0)

/* One thread's access to a pool. `fast` is first: the inline functions of pool.h see nothing else. */
struct fh_pool {
    fh_pool_fast fast;
    fh_pool_core *core;
    uint64_t owner; /* fh_thread_self() of the only user; 0: any thread (FH_POOL_SERIAL) */
    unsigned roads; /* FH_POOL_ROAD_*: what may be done inline */
    uint32_t used;  /* core->used when the limits in `fast` were last brought up to date */
    fh_pool_counts counts;
    uintptr_t site; /* the return address of the call under way, for what a sampled slot remembers */
    fh_pool_found (*alloc)(fh_pool *view, fh_handle *out); /* what is not done inline: the policy's short roads, or the long */
    fh_pool_found (*use)(fh_pool *view, fh_handle h, fh_pool_op op);
    void *own; /* the policy's: of this view */
};

/* What the views of a pool have in common. */
struct fh_pool_core {
    fh_allocator *allocator;
    const fh_pool_policy *policy;
    fh_pool_config config; /* with the defaults filled in; max_capacity is final */
    uint32_t seed, age_end; /* even; a slot whose generation is seed + age_end is retired */
    uint64_t stride; /* a typed pool's inline roads know it: not to be changed */

    /* The region: only pool_region.c writes these. */
    uint8_t *region;  /* [ words | guard | slots | guard ], reserved at once */
    size_t region_bytes, words_committed, base_committed;
#if FH_MEM_CHUNKED
    fh_pool_chunk chunks[32]; /* chunk 0 has 2^chunk_bits slots, chunk k > 0 as many as all before it */
    unsigned chunk_bits;
#else
    uint64_t *words;
    uint8_t *base;
#endif
    uint32_t slots_max; /* indexes reserved: max_capacity, or more if the policy leaves holes */
    uint32_t slots;     /* indexes below it are committed; written with FH_RELEASE */
    uint32_t capacity;  /* slots that may be in use, holes not among them */
    uint32_t used;      /* indexes from here on were never in use */
    uint64_t growths;
    uint64_t wrong_threads; /* fh_fetch_add: any thread may be the wrong one */
    bool is_watched;        /* by a tool: free slots are poisoned, and nothing is done inline that would leave that out */
    bool ending;            /* fh_pool_free is at work: no more allocs */
    fh_pool_stats since;    /* what fh_pool_stats_reset takes off */

    fh_ledger_node listed;
    fh_pool *first; /* the maker's view */
    void *own;      /* the policy's: of the pool */
};

/* --- policies ------------------------------------------------------------------------------------------------------- */

/* A check under way (pool_stats.c). */
typedef struct fh_pool_checking {
    const fh_pool_core *core;
    fh_mspan seen; /* a byte a slot: 1 once it was found free */
    fh_err *err;
} fh_pool_checking;

/* Notes that a slot was found free, in the place that `where` names. FH_CORRUPT if it cannot be: it is live, out of range, or
 * was found before (which ends the walk through a list with a cycle). */
fh_status fh_pool_check_free(fh_mut fh_pool_checking *checking, uint32_t index, const char *where);

/* How slots are found, kept and changed. The caller has checked the thread and the handle's index. */
struct fh_pool_policy {
    const char *name;
    unsigned roads;   /* FH_POOL_ROAD_* that this policy allows; the pool's own configuration may close some of them */
    size_t guard_bytes; /* of address space that traps, on both sides of all slots, at least */
    size_t slack_bytes; /* between an object and the next slot, at least */
    bool borrow_only; /* get and view are FH_UNSUPPORTED: another thread may release what nobody borrows */
    /* Makes the policy's state (core->own, first->own); the first slots are committed already. In an eager pool it may create
     * slots (fh_pool_slot_create) and fails as the hook does. A failure leaves none of its own state behind. */
    fh_status (*open)(fh_pool *first);
    /* Ends that state; no slot is looked at again. */
    void (*close)(fh_pool *first);
    /* Short roads of the policy's own, which go over to fh_pool_alloc_long and fh_pool_use_long where they must: of every new
     * view. NULL: none. */
    fh_pool_found (*alloc)(fh_pool *view, fh_handle *out);
    fh_pool_found (*use)(fh_pool *view, fh_handle h, fh_pool_op op);
    /* A free slot with its word in place (even generation), growing the pool if need be (fh_pool_commit). FH_EXHAUSTED,
     * FH_NOMEM, or what an eager init hook said. */
    fh_status (*take)(fh_pool *view, uint32_t *out_index);
    /* Writes the word of a slot that ends its life, or never began it: {generation, FREE | …}, with FH_RELEASE, and keeps the
     * slot for a later take; not if fh_pool_is_worn(core, generation). FH_OVERWRITTEN: it is retired, because its life wrote
     * past the object. */
    fh_status (*put)(fh_pool *view, uint32_t index, uint32_t generation);
    /* words[index] = to, if it is still `from`, which is live. FH_AGAIN: it changed meanwhile; FH_WRONG_THREAD: only its owner
     * may. */
    fh_status (*swap)(fh_pool *view, uint32_t index, uint64_t from, uint64_t to);
    /* After swap said FH_WRONG_THREAD at a release: asks the owner to release. FH_AGAIN as above. NULL: the answer stands. */
    fh_status (*send)(fh_pool *view, fh_handle h, uint64_t word);
    /* Takes in what other threads sent, sends what waits. NULL: nothing to do. */
    fh_status (*reap)(fh_pool *view);
    /* fh_pool_trim. NULL: nothing to give back. */
    size_t (*trim)(fh_pool *view);
    /* Adds the policy's own numbers to *stats, which has all that generations and the view `first` tell: peak, quarantined,
       the
     * counts of further views. Any thread. */
    void (*stats)(const fh_pool *view, fh_pool_stats *stats);
    /* Starts a new count: peak = live from now on, counts of further views = 0. */
    void (*stats_reset)(fh_pool *view);
    /* Checks the policy's own invariants, and calls fh_pool_check_free once for each slot that is not live and whose index is
     * below core->used. Only while no other thread uses the pool. */
    fh_status (*check)(const fh_pool *view, fh_pool_checking *checking);
    /* Views for further threads. NULL: FH_UNSUPPORTED. `is_alone`: no views but `first`. */
    fh_status (*attach)(fh_pool *first, fh_pool **out_view);
    fh_status (*detach)(fh_pool *view);
    bool (*is_alone)(const fh_pool *first);
    /* Index space that holds `capacity` slots. NULL: as many. May be more: holes are never taken. */
    uint64_t (*slots_for)(const fh_pool_core *core, uint32_t capacity);
};

extern const fh_pool_policy fh_pool_local;         /* confined and serial: pool_local.c */
extern const fh_pool_policy fh_pool_shared;        /* single-writer slots: pool_shared.c */
extern const fh_pool_policy fh_pool_shared_borrow; /* compare-and-swap: pool_depot.c */
extern const fh_pool_policy fh_pool_hardened;      /* any threads: pool_hard.c */
extern const fh_pool_policy fh_pool_hardened_borrow; /* the same, borrow_only */

/* --- for policies (pool.c, pool_region.c) --------------------------------------------------------------------------- */

/* The word and the slot of an index below core->slots_max. */
#if FH_MEM_CHUNKED
uint64_t *fh_pool_word(const fh_pool_core *core, uint32_t index);
uint8_t *fh_pool_at(const fh_pool_core *core, uint32_t index);
#else
static inline uint64_t *fh_pool_word(const fh_pool_core *core, uint32_t index) {
    FH_UNSAFE("pool-slot");
    return core->words + index;
}
static inline uint8_t *fh_pool_at(const fh_pool_core *core, uint32_t index) {
    FH_UNSAFE("pool-slot");
    return core->base + index * core->stride;
}
#endif

/* Nobody may touch a free slot; its user may again. */
static inline void fh_pool_hide(const fh_pool_core *core, uint8_t *at) {
    if (core->is_watched)
        FH_POISON(at, core->stride);
}
static inline void fh_pool_show(const fh_pool_core *core, uint8_t *at) {
    if (core->is_watched)
        FH_UNPOISON(at, core->config.size_bytes);
}

/* True at the end of a slot's generations. */
static inline bool fh_pool_is_worn(const fh_pool_core *core, uint32_t generation) {
    return generation - core->seed == core->age_end;
}

/* The slot exists: its word is not 0, and init of an eager pool has succeeded. */
static inline bool fh_pool_is_made(const fh_pool_core *core, uint64_t word) {
    return word != 0 && fh_word_generation(word) - core->seed != FH_AGE_UNMADE;
}

/* The larger capacity that config.growth asks for now, clamped to max_capacity; the same if there is none. */
uint32_t fh_pool_next_capacity(const fh_pool_core *core);
/* Commits the indexes that policy->slots_for(capacity) needs and makes the pool's capacity `capacity`, above the present one;
 * counts a growth. The words of slots that were never committed are 0. FH_NOMEM changes nothing. One thread at a time: under
 * the policy's lock. */
fh_status fh_pool_commit(fh_mut fh_pool_core *core, uint32_t capacity);
/* The opposite: gives the slots from index `capacity` on back (of a policy without holes), keeps their words; returns how many
 * bytes, 0 if the system refuses, and then nothing has changed. */
size_t fh_pool_uncommit(fh_mut fh_pool_core *core, uint32_t capacity);
/* Reserves and ends the region. */
fh_status fh_pool_region_open(fh_mut fh_pool_core *core);
void fh_pool_region_close(fh_mut fh_pool_core *core);

/* fh_pool_alloc_slow and fh_pool_use without the policy's short roads. */
fh_pool_found fh_pool_alloc_long(fh_mut fh_pool *view, fh_out fh_handle *out);
fh_pool_found fh_pool_use_long(fh_mut fh_pool *view, fh_handle h, fh_pool_op op);
/* Brings a slot whose word is 0 or UNMADE into being: runs the init hook of an eager pool (outside every lock), then writes
 * the word {seed, FREE | all INDEX bits}, and raises core->used. When the hook fails the word becomes {seed − 2 (UNMADE), the
 * same}: the slot may be tried again later. */
fh_status fh_pool_slot_create(fh_mut fh_pool *view, uint32_t index);
/* Ends a life that the caller has claimed (word {odd generation, HOOK}): fini or reset hook, poison, policy->put. What the
 * hook said. */
fh_status fh_pool_end_life(fh_mut fh_pool *view, uint32_t index, uint32_t generation);

/* Says why `word` refuses a handle, and counts it in the view: FH_STALE, FH_DOUBLE_FREE (releases only), FH_WRONG_POOL,
 * FH_BORROWED. */
fh_status fh_pool_refuse(fh_mut fh_pool *view, fh_handle h, uint64_t word, bool is_release);
/* FH_WRONG_THREAD, counted, unless the calling thread may use the view; also brings the limits in `fast` up to date. */
fh_status fh_pool_enter(fh_mut fh_pool *view);
/* Fills in a view of a core (all but `own`) for the calling thread and opens its inline roads. */
void fh_pool_view_init(fh_mut fh_pool *view, fh_mut fh_pool_core *core);

/* The pool's row on the ledger (pool_stats.c). */
void fh_pool_fill_row(const void *owner, fh_mut fh_memory_row *row);

/* True while fh_pool_harden_all is on. */
bool fh_pool_harden_default(void);
/* Of a hardened pool: from now on one alloc of about `every` is given a guarded slot, the next one included; 0: none. */
void fh_pool_hard_sample(fh_mut fh_pool *pool, uint32_t every);

/* Of hardened pools made from now on: only the short roads that every processor can run (pool_short.h). */
void fh_pool_hard_plain(bool only);

/* fh_pool_new with generations of `bits` bits, 3 to 32, so that a test can wear slots out: 2^(bits − 1) − 2 lives each. */
fh_status fh_pool_new_narrow(fh_ref fh_allocator *a, const fh_pool_config *config, unsigned bits, fh_out fh_pool **out);

#endif
