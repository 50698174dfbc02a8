/* pool_hard.h: what the files of hardened pools share: their state, where their slots lie, and what the bytes of a slot hold.
 *
 *     index 0                lead                                              slots           slots_max
 *     | guarded slots        | slots; the last page of each group is a guard   | never committed |
 *
 *     a slot's bytes      live: [ object | canary ]       else: [ POISON … ], zeros if it never lived, or (of an eager
 *                                                                pool) the object and the canary as they were
 *
 * pool_guard.c knows where slots lie and verifies their bytes, pool_hard.c moves them between lists. Invariants and threading:
 * pool_hard.c. */
#ifndef FH_MEM_POOL_HARD_H
#define FH_MEM_POOL_HARD_H

#include <string.h>

#include "mem/pool/pool_views.h"

enum {
    FH_HARD_SLACK_BYTES = 8,
    FH_HARD_GUARD_BYTES = (1 << 20) + (64 << 10), /* beside all slots: a write that is off by 1 MiB shall trap too */
    FH_HARD_GUARDED = 16,
};

#define FH_HARD_POISON UINT64_C(0xdfdfdfdfdfdfdfdf) /* as a pointer: an address that no program has */

/* Where things are, for one stride. */
typedef struct fh_hard_layout {
    uint64_t page_bytes, group_bytes; /* powers of two */
    uint64_t spacing;     /* guarded slot k has the index (k + 1) × spacing − 1: its end is the end of a page */
    uint64_t lead;        /* the first index of all others; its slot begins where a page does */
    uint64_t waiting_max; /* slots that may wait */
} fh_hard_layout;

/* A slot that stands alone, and what is known of its last life. */
typedef struct fh_hard_guarded {
    uintptr_t allocated_at, released_at; /* return addresses */
    bool is_taken; /* from draw to put, under the lock: its word says so only later */
} fh_hard_guarded;

/* core->own. */
typedef struct fh_hard {
    fh_hub hub; /* of a pool for several threads */
    fh_hard_layout is;
    bool several_threads;
    bool is_simple; /* one user, no hooks, no objects to keep, small ones, no tool that watches */
    uint64_t random, secret, canary_mask;
    uint32_t live, peak, retired;
    uint32_t ready;  /* indexes below it have been looked at */
    uint32_t guards; /* groups below it have their guard */
    uint64_t forbidden_bytes;
    uint32_t *free, free_count; /* the last one is the next to be drawn, and was chosen at random */
    uint32_t *waiting, waiting_mask; /* a ring; the oldest lies waiting_count before waiting_at */
    uint32_t waiting_max, waiting_at, waiting_count;
    uint64_t *sums; /* of the objects of an eager pool, by index; else NULL */
    size_t sums_bytes;
    uint32_t sample_every, sample_in, guarded_next;
    fh_hard_guarded guarded[FH_HARD_GUARDED];
} fh_hard;

/* --- pool_guard.c ------------------------------------------------------------------------------------------------------- */

fh_hard_layout fh_hard_layout_of(const fh_pool_core *core);
/* Index space for so many slots and those that wait. */
uint64_t fh_hard_slots_for(const fh_pool_core *core, uint32_t capacity);
/* False for an index whose bytes would overlap a guard, and for guarded slots. */
bool fh_hard_is_slot(const fh_pool_core *core, const fh_hard *h, uint32_t i);
/* The number of a guarded slot, or FH_HARD_GUARDED; its index; its pages. */
uint32_t fh_hard_guarded_number(const fh_hard *h, uint32_t i);
uint32_t fh_hard_guarded_index(const fh_hard *h, uint32_t number);
uint8_t *fh_hard_guarded_pages(const fh_pool_core *core, uint32_t i, fh_out size_t *out_bytes) fh_view(1);
/* Takes from the committed indexes what shall trap. When the system refuses, what was done is done, and the next try goes on.
 * */
fh_status fh_hard_make_guards(fh_mut fh_pool_core *core, fh_mut fh_hard *h);

/* Writes the canary of a slot that is to live. Tools that watch memory let the object be touched, and not the canary. */
void fh_hard_open(const fh_pool_core *core, const fh_hard *h, uint32_t i);
/* Leaves in a slot what fh_hard_wrong expects. Nobody may touch it from here on. */
void fh_hard_leave(const fh_pool_core *core, fh_mut fh_hard *h, uint32_t i);
/* Offset of the first byte that somebody wrote to a slot that is nobody's, FH_NO_OFFSET if that cannot be told, or the
 * stride. */
uint64_t fh_hard_wrong(const fh_pool_core *core, const fh_hard *h, uint32_t i, uint64_t word);
/* Offset of the first overwritten byte of a live slot's canary, or the stride. */
uint64_t fh_hard_canary_wrong(const fh_pool_core *core, const fh_hard *h, uint32_t i);

/* --- bytes: a stride is a multiple of 8 and at least 16, and a slot begins at a multiple of 8 ------------------------------
 * */

static inline uint64_t fh_hard_word(const uint8_t *at) {
    uint64_t w;
    FH_UNSAFE("hard-poison");
    memcpy(&w, at, sizeof w);
    return w;
}

static inline void fh_hard_put_word(uint8_t *at, uint64_t w) {
    FH_UNSAFE("hard-poison");
    memcpy(at, &w, sizeof w);
}

typedef uint64_t fh_hard_pair __attribute__((vector_size(16)));

static inline fh_hard_pair fh_hard_pair_at(const uint8_t *at) {
    fh_hard_pair p;
    FH_UNSAFE("hard-poison");
    memcpy(&p, at, sizeof p);
    return p;
}

/* This and the next take 16 bytes or more; the last 16 may overlap those before them. No branch depends on the bytes, since
 * nearly always all of them are right. */
static inline bool fh_hard_is_filled(const uint8_t *at, size_t size, uint64_t pattern) {
    FH_UNSAFE("hard-poison");
    const fh_hard_pair expected = {pattern, pattern};
    fh_hard_pair wrong = fh_hard_pair_at(at + size - 16) ^ expected;
    size_t k = 0;
    for (; k + 32 <= size; k += 32)
        wrong |= (fh_hard_pair_at(at + k) ^ expected) | (fh_hard_pair_at(at + k + 16) ^ expected);
    if (k + 16 < size)
        wrong |= fh_hard_pair_at(at + k) ^ expected;
    return FH_LIKELY((wrong[0] | wrong[1]) == 0);
}

static inline void fh_hard_fill(uint8_t *at, size_t size, uint64_t pattern) {
    FH_UNSAFE("hard-poison");
    const fh_hard_pair with = {pattern, pattern};
    size_t k = 0;
    for (; k + 32 <= size; k += 32) {
        memcpy(at + k, &with, sizeof with);
        memcpy(at + k + 16, &with, sizeof with);
        __asm__("" : "+r"(at)); /* else the compiler calls memset, which takes longer for the usual sizes */
    }
    if (k + 16 < size)
        memcpy(at + k, &with, sizeof with);
    memcpy(at + size - 16, &with, sizeof with);
}

/* The word of a slot's canary. In the word where the object ends, the canary has the bytes of canary_mask. */
static inline uint64_t fh_hard_canary(const fh_hard *h, uint32_t i) {
    return h->secret ^ i * UINT64_C(0x9e3779b97f4a7c15);
}

static inline void fh_hard_put_canary(uint8_t *at, size_t size, size_t stride, uint64_t canary, uint64_t mask) {
    FH_UNSAFE("hard-poison");
    size_t k = size & ~(size_t)7;
    fh_hard_put_word(at + k, (fh_hard_word(at + k) & ~mask) | (canary & mask));
    for (k += 8; FH_UNLIKELY(k < stride); k += 8)
        fh_hard_put_word(at + k, canary);
}

static inline bool fh_hard_is_canary_whole(const uint8_t *at, size_t size, size_t stride, uint64_t canary, uint64_t mask) {
    FH_UNSAFE("hard-poison");
    size_t k = size & ~(size_t)7;
    uint64_t wrong = (fh_hard_word(at + k) ^ canary) & mask;
    for (k += 8; FH_UNLIKELY(k < stride); k += 8)
        wrong |= fh_hard_word(at + k) ^ canary;
    return FH_LIKELY(wrong == 0);
}

#endif
