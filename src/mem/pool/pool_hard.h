/* pool_hard.h: what the files of hardened pools share: their state, where their slots lie, and what the bytes of a slot hold.
 *
 *     index 0                lead                                              slots           slots_max
 *     | guarded slots        | slots; the last page of each group is a guard   | never committed |
 *
 *     a slot's bytes      live: [ object | canary ]       else: [ POISON … | canary ], zeros if it never lived, or (of an
 *                                                                eager pool) the object and the canary as they were
 *
 * pool_guard.c knows where slots lie and verifies their bytes, pool_hand.c keeps them while they are nobody's, pool_short.h has
 * the short roads, which are compiled for each width of vectors. Invariants and threading: pool_hard.c. */
#ifndef FH_MEM_POOL_HARD_H
#define FH_MEM_POOL_HARD_H

#include <string.h>

#include "mem/pool/pool_views.h"

enum {
    FH_HARD_SLACK_BYTES = 8,
    FH_HARD_GUARD_BYTES = (1 << 20) + (64 << 10), /* beside all slots: a write that is off by 1 MiB shall trap too */
    FH_HARD_GUARDED = 16,
    FH_HARD_HAND = 64,          /* slots that a view takes, and keeps back, at once */
};

#define FH_HARD_FREE FH_POOL_NO_SLOT /* low half of a free slot's word */

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
    fh_hub hub; /* of a pool for several threads; its lock guards what follows, but for what is fixed at fh_pool_new */
    fh_hard_layout is;
    bool several_threads;
    uint64_t random, secret;
    uint32_t out;     /* slots that are live or in a hand */
    uint32_t peak, retired;
    uint32_t ready;   /* indexes below it have been looked at */
    uint32_t guards;  /* groups below it have their guard */
    uint64_t forbidden_bytes;
    uint32_t *free, free_count;
    uint32_t *waiting; /* a ring of waiting_max; the oldest is at waiting_at, or follows it; FH_POOL_NO_SLOT: nothing there */
    uint32_t waiting_max, waiting_at, waiting_count;
    uint64_t *sums; /* of the objects of an eager pool, by index; else NULL */
    size_t sums_bytes;
    uint32_t sample_every, guarded_next;
    fh_hard_guarded guarded[FH_HARD_GUARDED];
} fh_hard;

/* view->own: what the view has in hand, and what the short roads need of the pool. */
typedef struct fh_hard_hand {
    fh_seat seat;
    uint32_t drawn_count, ended_count;
    uint32_t most;      /* of each */
    uint32_t lead;      /* slots below it are guarded */
    uint32_t out, peak; /* of a pool with one user: fh_hard.out, and the most that were live */
    uint32_t sample_in; /* draws until a guarded slot is due */
    uint64_t secret;
    uint32_t drawn[1 + FH_HARD_HAND]; /* the last one is the next to be given out; drawn[0] only fills the place below it */
    uint32_t ended[FH_HARD_HAND];     /* the first one ended first */
} fh_hard_hand;

static inline fh_hard_hand *fh_hard_hand_of(const fh_pool *view) {
    return view->own;
}

/* Roads for objects of some sizes without hooks (pool_short.h): of one user, of several threads, and of several
 * threads that borrow. */
typedef struct fh_hard_roads {
    fh_pool_found (*alloc)(fh_pool *view, fh_handle *out);
    fh_pool_found (*use)(fh_pool *view, fh_handle h, fh_pool_op op);
} fh_hard_roads;
enum { FH_HARD_ONE, FH_HARD_SEVERAL, FH_HARD_BORROW, FH_HARD_KINDS };
/* With chunks of 16 (pool_plain.c) and 32 bytes (pool_avx2.c), for small objects (is_small) and others. */
extern const fh_hard_roads fh_hard_roads_small16[FH_HARD_KINDS], fh_hard_roads_some16[FH_HARD_KINDS];
extern const fh_hard_roads fh_hard_roads_small32[FH_HARD_KINDS], fh_hard_roads_some32[FH_HARD_KINDS];

/* After `drawn` became what is left in hand, in a pool with one user. */
static inline void fh_hard_note_peak(fh_hard_hand *hand, uint32_t drawn) {
    uint32_t live = hand->out - drawn - hand->ended_count;
    if (FH_UNLIKELY(live > hand->peak))
        fh_store(&hand->peak, live, FH_RELAXED);
}

/* --- pool_hand.c -------------------------------------------------------------------------------------------------------- */

/* Makes the lists and puts the first slots into the free set. After a failure fh_hard_lists_close is due all the same. */
fh_status fh_hard_lists_open(fh_mut fh_pool_core *core, fh_mut fh_hard *h);
void fh_hard_lists_close(fh_mut fh_pool_core *core, fh_mut fh_hard *h);
/* Makes an empty hand, and chooses the view's roads. */
void fh_hard_begin(fh_mut fh_pool *view);
/* A guarded slot if one is due, or else the next one in hand, which is filled if need be. FH_EXHAUSTED, FH_NOMEM. */
fh_status fh_hard_next(fh_mut fh_pool *view, fh_out uint32_t *out, fh_out bool *out_is_guarded);
/* Takes a slot in hand whose life is over, whole, and that may have another. */
void fh_hard_keep(fh_mut fh_pool *view, uint32_t i);
/* What the view has in hand is everybody's. */
void fh_hard_give_back(fh_mut fh_pool *view);
/* Under the lock: so many slots are live or in a hand that were not, or no longer (a negative number). */
void fh_hard_count_out(fh_mut fh_pool *view, fh_mut fh_hard *h, uint32_t more);
/* Under the lock: the slot joins the free set. */
void fh_hard_add_free(fh_mut fh_hard *h, uint32_t i);

static inline void fh_hard_lock(fh_hard *h) {
    if (h->several_threads)
        fh_lock_take(&h->hub.lock);
}
static inline void fh_hard_unlock(fh_hard *h) {
    if (h->several_threads)
        fh_lock_give(&h->hub.lock);
}

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

/* Writes the canary of a slot that is to live, if it is not there. Tools that watch memory let the object be touched, and
 * not the canary. */
void fh_hard_open(const fh_pool_core *core, const fh_hard *h, uint32_t i);
/* Leaves in a slot what fh_hard_wrong expects. Nobody may touch it from here on. */
void fh_hard_leave(const fh_pool_core *core, fh_mut fh_hard *h, uint32_t i);
/* Offset of the first byte that somebody wrote to a slot that is nobody's, FH_NO_OFFSET if that cannot be told, or the
 * stride. */
uint64_t fh_hard_wrong(const fh_pool_core *core, const fh_hard *h, uint32_t i, uint64_t word);
/* Offset of the first overwritten byte of a live slot's canary, or the stride. */
uint64_t fh_hard_canary_wrong(const fh_pool_core *core, const fh_hard *h, uint32_t i);

/* --- bytes: a stride is a multiple of 8 and at least the size + 8, and a slot begins at a multiple of 8 ----------------------
 *
 * A canary repeats one word from the object's end to the next slot. */

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

static inline uint64_t fh_hard_canary(uint64_t secret, const uint8_t *at) {
    FH_UNSAFE("hard-poison");
    return secret ^ (uintptr_t)at;
}

static inline bool fh_hard_is_canary_whole(const uint8_t *at, size_t size, size_t stride, uint64_t canary) {
    FH_UNSAFE("hard-poison");
    uint32_t turn = (uint32_t)(stride - size) % 8 * 8; /* the last eight bytes begin with another of the word's bytes */
    uint64_t wrong = fh_hard_word(at + size) ^ canary;
    for (size_t k = size + 16; FH_UNLIKELY(k <= stride); k += 8) {
        wrong |= fh_hard_word(at + k - 8) ^ canary;
        __asm__("" : "+r"(k)); /* else the compiler takes vectors for these few words, and stack for those */
    }
    wrong |= fh_hard_word(at + stride - 8) ^ (canary >> turn | canary << (-turn & 63));
    return FH_LIKELY(wrong == 0);
}

#endif
