/* pool_views.h: what the two policies for many threads have in common: views, fresh slots, blocks.
 *
 *     fh_hub (core->own begins with it)       the views, the lock, the cursor of fresh slots, the array of blocks
 *     fh_seat (view->own begins with it)      one view: its number, and the entry that detaches it when its thread ends
 *
 * A view is never freed before its pool. Detached, it is idle: its owner is FH_POOL_NOBODY, so every use of it is
 * FH_WRONG_THREAD, and the next thread that attaches gets it with all that it has.
 *
 * Invariants: pool-views: views[0 … view_count) are made and stay; an idle view is used by whoever holds the lock and nobody
 * else; pool-blocks: blocks 1 … blocks_made are committed. Threading: everything here from any thread; what a seat holds
 * belongs to the thread of its view. */
#ifndef FH_MEM_POOL_VIEWS_H
#define FH_MEM_POOL_VIEWS_H

#include "freehold/os.h"
#include "mem/pool/depot.h"
#include "mem/sync/lock.h"
#include "mem/pool/pool_core.h"

/* Views of one pool; the owner of a slot is a byte. */
enum { FH_VIEWS_MAX = 255 };

typedef struct fh_seat {
    fh_os_exit exit; /* first: its function gets its address */
    fh_pool *view;
    uint32_t number; /* views[number] */
    uint32_t made;   /* slots that came into circulation here */
    bool is_idle;    /* under the lock */
} fh_seat;

typedef struct fh_hub {
    _Alignas(64) uint32_t lock;
    uint32_t fresh;      /* slots below it have been given to a view; under the lock */
    uint32_t view_count; /* written with FH_RELEASE under the lock */
    uint32_t idle_count; /* the same */
    fh_pool *views[FH_VIEWS_MAX];
    const struct fh_hub_kind *kind;
    bool is_plain; /* nothing is to be done at a release but to put the slot away: short roads are open */

    fh_block *blocks; /* reserved for blocks_max + 1 */
    size_t blocks_bytes, blocks_committed;
    uint32_t blocks_max, blocks_made;
    uint8_t *labels; /* a byte a slot, committed as the pool grows; NULL without */
    size_t labels_bytes, labels_committed;
    _Alignas(64) uint64_t empty; /* stack of blocks that nobody needs */
} fh_hub;

/* What a policy adds. */
typedef struct fh_hub_kind {
    size_t hub_bytes, seat_bytes; /* of its own hub and seat, which begin with these; zeroed */
    bool has_labels;
    void (*begin)(fh_pool *view); /* fills in a new seat; nobody else sees it yet */
    void (*leave)(fh_pool *view); /* sends off what must not wait in an idle view */
} fh_hub_kind;

/* Makes hub and first seat. FH_NOMEM leaves nothing behind. */
fh_status fh_hub_open(fh_mut fh_pool *first, const fh_hub_kind *kind);
/* Ends them all. */
void fh_hub_close(fh_mut fh_pool *first);

/* The policy's attach, detach and is_alone. */
fh_status fh_hub_attach(fh_mut fh_pool *first, fh_out fh_pool **out_view);
fh_status fh_hub_detach(fh_mut fh_pool *view);
bool fh_hub_is_alone(const fh_pool *first);

/* Up to `want` slots that no view has had yet, [*out, *out + *out_count); grows the pool if there are none. FH_EXHAUSTED,
 * FH_NOMEM. */
fh_status fh_hub_fresh(fh_mut fh_pool_core *core, uint32_t want, fh_out uint32_t *out, fh_out uint32_t *out_count);

/* An empty block, or 0 when there is no memory for another. `may_make`: the caller does not hold the lock. */
uint32_t fh_hub_block_get(fh_mut fh_pool_core *core, bool may_make);
/* Gives a block back. */
static inline void fh_hub_block_put(fh_hub *hub, uint32_t number) {
    fh_stack_push(&hub->empty, hub->blocks, number);
}

/* Adds the counters of all views but the first; peak is what ever was in circulation: as many may have been live at once. */
void fh_hub_stats(const fh_pool *first, fh_mut fh_pool_stats *stats);

/* Of a view of a single-writer pool (pool_shared.c); for tests. */
uint64_t *fh_pool_inbox(fh_mut fh_pool *view) fh_view(1);

/* A release by the view's own thread that needs no hook, of a slot that has a word. */
static inline bool fh_hub_is_short(const fh_pool *view, fh_handle h, fh_pool_op op) {
    const fh_hub *hub = view->core->own;
    return op == FH_POOL_RELEASE && hub->is_plain && fh_handle_index(h) < view->used &&
           fh_load(&view->fast.thread, FH_RELAXED) == fh_thread_self();
}

static inline fh_hub *fh_hub_of(const fh_pool_core *core) {
    return core->own;
}
static inline fh_seat *fh_seat_of(const fh_pool *view) {
    return view->own;
}

#endif
