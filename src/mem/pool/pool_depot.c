/* pool_depot.c: pools that many threads use, whose slots any of them may borrow and release at once.
 *
 *     view → loaded, previous: two magazines, blocks of free slots
 *     pool → full: the depot, a stack of magazines with slots;  empty: those without
 *            spill: free slots for which there was no magazine
 *
 * Every change of a live slot's word is a compare-and-swap, so of two releases exactly one succeeds, and what is borrowed
 * cannot be released. A slot in a magazine is its view's alone: no swap of others can succeed on a word whose generation is
 * even, so the stores that begin a life are plain.
 *
 * An alloc takes from the loaded magazine, then from the previous one, then exchanges an empty one for a full one at the
 * depot; a release does the opposite (J. Bonwick and J. Adams, "Magazines and Vmem", USENIX 2001). So a view keeps back at
 * most two magazines, of 62 slots or max_capacity / 16 if that is less.
 *
 * A slot that has no word yet, or whose init hook failed, is in a magazine like any other: it is created when it is taken.
 *
 * Invariants: depot-word: the word of a live slot changes by compare-and-swap, that of a free slot by who has its magazine;
 * depot-magazine: each slot that is free and has been given to a view is in one magazine, or spilled. */
#include <string.h>

#include "mem/pool/pool_views.h"

typedef struct hub {
    fh_hub base;
    uint32_t magazine; /* slots of a full one */
    uint32_t spill;    /* list by words, as fast.head; under the lock, read by all */
    _Alignas(64) uint64_t full;
} hub;

typedef struct seat {
    fh_seat base;
    uint32_t loaded, previous; /* blocks; 0 = none */
} seat;

static hub *hub_of(const fh_pool_core *core) {
    return core->own;
}
static seat *seat_of(const fh_pool *view) {
    return view->own;
}

static uint32_t count_of(const hub *h, uint32_t magazine) {
    return magazine == 0 ? 0 : fh_block_at(h->base.blocks, magazine)->count;
}

static void exchange(seat *s) {
    uint32_t loaded = s->loaded;
    s->loaded = s->previous;
    s->previous = loaded;
}

/* --- taking ------------------------------------------------------------------------------------------------------- */

/* A slot that nobody has had goes to the caller, further ones into the loaded magazine, which is empty. */
static fh_status take_fresh(fh_pool *view, uint32_t *out) {
    hub *h = hub_of(view->core);
    seat *s = seat_of(view);
    if (s->loaded == 0)
        s->loaded = fh_hub_block_get(view->core, true);
    uint32_t count;
    FH_TRY(fh_hub_fresh(view->core, s->loaded == 0 ? 1 : h->magazine, out, &count));
    for (uint32_t i = *out + count - 1; i > *out; i--)
        (void)fh_block_add(fh_block_at(h->base.blocks, s->loaded), i);
    return FH_DONE;
}

/* One of the slots that found no magazine. */
static bool take_spilled(fh_pool *view, uint32_t *out) {
    hub *h = hub_of(view->core);
    if (fh_load(&h->spill, FH_RELAXED) == FH_POOL_NO_SLOT)
        return false;
    fh_lock_take(&h->base.lock);
    uint32_t spill = h->spill;
    if (spill != FH_POOL_NO_SLOT) {
        *out = spill & FH_WORD_INDEX;
        fh_store(&h->spill, fh_word_low(fh_load(fh_pool_word(view->core, *out), FH_RELAXED)), FH_RELAXED);
    }
    fh_lock_give(&h->base.lock);
    return spill != FH_POOL_NO_SLOT;
}

/* Sees to it that the loaded magazine has a slot. */
static bool load(fh_pool *view) {
    hub *h = hub_of(view->core);
    seat *s = seat_of(view);
    FH_WRITES(&s->loaded, sizeof s->loaded);
    if (count_of(h, s->loaded) == 0 && count_of(h, s->previous) != 0)
        exchange(s);
    if (count_of(h, s->loaded) != 0)
        return true;
    uint32_t full = fh_stack_pop(&h->full, h->base.blocks);
    if (full == 0)
        return false;
    if (s->previous != 0)
        fh_hub_block_put(&h->base, s->previous);
    s->previous = s->loaded;
    s->loaded = full;
    return true;
}

static fh_status depot_put(fh_pool *view, uint32_t index, uint32_t generation);

static fh_status depot_take(fh_pool *view, uint32_t *out) {
    fh_pool_core *core = view->core;
    hub *h = hub_of(core);
    seat *s = seat_of(view);
    FH_UNSAFE("depot-magazine");
    if (load(view))
        *out = fh_block_drop(fh_block_at(h->base.blocks, s->loaded));
    else if (!take_spilled(view, out))
        FH_TRY(take_fresh(view, out));
    if (fh_pool_is_made(core, fh_load(fh_pool_word(core, *out), FH_RELAXED)))
        return FH_DONE;
    fh_status status = fh_pool_slot_create(view, *out);
    if (fh_failed(status))
        depot_put(view, *out, core->seed + FH_AGE_UNMADE);
    else
        fh_store(&s->base.made, s->base.made + 1, FH_RELAXED);
    return status;
}

/* --- ends of lives ------------------------------------------------------------------------------------------------ */

/* Sees to it that the loaded magazine has room. */
static bool unload(fh_pool *view) {
    hub *h = hub_of(view->core);
    seat *s = seat_of(view);
    FH_WRITES(&s->loaded, sizeof s->loaded);
    if (s->loaded != 0 && count_of(h, s->loaded) < h->magazine)
        return true;
    exchange(s);
    if (s->loaded != 0 && count_of(h, s->loaded) < h->magazine)
        return true;
    uint32_t empty = fh_hub_block_get(view->core, true);
    if (empty == 0)
        return false;
    if (s->loaded != 0)
        fh_stack_push(&h->full, h->base.blocks, s->loaded);
    s->loaded = empty;
    return true;
}

/* Keeps a slot whose word says that it is free. */
static void keep(fh_pool *view, uint32_t index, uint32_t generation) {
    hub *h = hub_of(view->core);
    FH_UNSAFE("depot-magazine");
    if (fh_pool_is_worn(view->core, generation))
        return;
    if (unload(view)) {
        (void)fh_block_add(fh_block_at(h->base.blocks, seat_of(view)->loaded), index);
        return;
    }
    fh_lock_take(&h->base.lock);
    fh_store(fh_pool_word(view->core, index), fh_word(generation, h->spill), FH_RELEASE);
    fh_store(&h->spill, FH_WORD_FREE | index, FH_RELAXED);
    fh_lock_give(&h->base.lock);
}

static fh_status depot_put(fh_pool *view, uint32_t index, uint32_t generation) {
    fh_store(fh_pool_word(view->core, index), fh_word(generation, FH_POOL_NO_SLOT), FH_RELEASE);
    keep(view, index, generation);
    return FH_DONE;
}

static fh_status depot_swap(fh_pool *view, uint32_t index, uint64_t from, uint64_t to) {
    return FH_STATUS(fh_cas(fh_pool_word(view->core, index), &from, to, FH_ACQ_REL) ? FH_OK : FH_AGAIN);
}

/* --- short roads ------------------------------------------------------------------------------------------------------ */

/* A release that only has to put the slot away: one swap ends the life. */
static fh_pool_found depot_use(fh_pool *view, fh_handle h, fh_pool_op op) {
    uint32_t index = fh_handle_index(h), generation = fh_handle_generation(h) + 1;
    uint64_t life = h.value & ~(uint64_t)UINT32_MAX, over = fh_word(generation, FH_POOL_NO_SLOT);
    if (!fh_hub_is_short(view, h, op) || !fh_cas(fh_pool_word(view->core, index), &life, over, FH_ACQ_REL))
        return fh_pool_use_long(view, h, op);
    keep(view, index, generation);
    return (fh_pool_found){fh_pool_at(view->core, index), {FH_OK}};
}

/* An alloc from the loaded magazine, of a slot that has had a life, without a hook. */
static fh_pool_found depot_alloc(fh_pool *view, fh_handle *out) {
    fh_pool_core *core = view->core;
    const hub *h = hub_of(core);
    const seat *s = seat_of(view);
    bool has_work = core->ending || core->is_watched || (!core->config.eager && core->config.init != NULL);
    if (has_work || fh_load(&view->fast.thread, FH_RELAXED) != fh_thread_self() || count_of(h, s->loaded) == 0)
        return fh_pool_alloc_long(view, out);
    FH_UNSAFE("depot-magazine");
    fh_block *block = fh_block_at(h->base.blocks, s->loaded);
    uint32_t index = block->slots[block->count - 1];
    uint64_t *at = fh_pool_word(core, index), word = fh_load(at, FH_RELAXED);
    if (!fh_pool_is_made(core, word))
        return fh_pool_alloc_long(view, out);
    (void)fh_block_drop(block);
    uint8_t *slot = fh_pool_at(core, index);
    if (!core->config.eager)
        memset(slot, 0, core->config.size_bytes);
    *out = (fh_handle){fh_word(fh_word_generation(word) + 1, index)};
    fh_store(at, out->value - index, FH_RELEASE);
    return (fh_pool_found){slot, {FH_OK}};
}

/* Both magazines go to the depot, for all. */
static void give_back(fh_pool *view) {
    hub *h = hub_of(view->core);
    seat *s = seat_of(view);
    uint32_t *both[] = {&s->loaded, &s->previous};
    FH_UNSAFE("depot-magazine");
    FH_WRITES(&s->loaded, sizeof s->loaded);
    for (int k = 0; k < 2; k++) {
        if (*both[k] != 0)
            fh_stack_push(count_of(h, *both[k]) != 0 ? &h->full : &h->base.empty, h->base.blocks, *both[k]);
        *both[k] = 0;
    }
}

static fh_status depot_reap(fh_pool *view) {
    give_back(view);
    return FH_DONE;
}

/* --- numbers, checks ---------------------------------------------------------------------------------------------- */

static void depot_stats(const fh_pool *first, fh_pool_stats *stats) {
    fh_hub_stats(first, stats);
}

static fh_status check_magazine(fh_pool_checking *c, uint32_t magazine, const char *where) {
    const hub *h = hub_of(c->core);
    FH_UNSAFE("depot-magazine");
    const fh_block *block = fh_block_at(h->base.blocks, magazine);
    if (magazine != 0 && block->count > h->magazine)
        return fh_fail(c->err, FH_CORRUPT, FH_NO_OFFSET, "pool: a magazine of %u slots has %u", h->magazine, block->count);
    for (uint32_t i = 0; magazine != 0 && i < block->count; i++)
        if (block->slots[i] < c->core->used)
            FH_TRY(fh_pool_check_free(c, block->slots[i], where));
    return FH_DONE;
}

static fh_status depot_check(const fh_pool *first, fh_pool_checking *c) {
    const fh_pool_core *core = first->core;
    const hub *h = hub_of(core);
    FH_UNSAFE("pool-views");
    for (uint32_t v = 0; v < h->base.view_count; v++) {
        const seat *s = seat_of(h->base.views[v]);
        FH_TRY(check_magazine(c, s->loaded, "a loaded magazine"));
        FH_TRY(check_magazine(c, s->previous, "a previous magazine"));
    }
    for (uint32_t n = fh_stack_first(h->full); n != 0; n = fh_block_at(h->base.blocks, n)->next)
        FH_TRY(check_magazine(c, n, "the depot"));
    for (uint32_t head = h->spill; head != FH_POOL_NO_SLOT;) {
        FH_TRY(fh_pool_check_free(c, head & FH_WORD_INDEX, "the spill"));
        head = fh_word_low(fh_load(fh_pool_word(core, head & FH_WORD_INDEX), FH_RELAXED));
    }
    for (uint32_t i = 0; i < core->used; i++) {
        uint64_t word = fh_load(fh_pool_word(core, i), FH_RELAXED);
        if (!fh_word_live(word) && fh_pool_is_made(core, word) && fh_pool_is_worn(core, fh_word_generation(word)))
            FH_TRY(fh_pool_check_free(c, i, "the retired"));
    }
    return FH_DONE;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void new_seat(fh_pool *view) {
    (void)view;
}

static fh_status depot_open(fh_pool *first) {
    static const fh_hub_kind kind = {sizeof(hub), sizeof(seat), false, new_seat, give_back};
    FH_TRY(fh_hub_open(first, &kind));
    hub *h = hub_of(first->core);
    uint32_t share = first->core->config.max_capacity / 16;
    h->magazine = share == 0 ? 1 : share < FH_BLOCK_SLOTS ? share : FH_BLOCK_SLOTS;
    h->spill = FH_POOL_NO_SLOT;
    return FH_DONE;
}

const fh_pool_policy fh_pool_shared_borrow = {
    .name = "depot",
    .roads = 0,
    .borrow_only = true,
    .open = depot_open,
    .close = fh_hub_close,
    .alloc = depot_alloc,
    .use = depot_use,
    .take = depot_take,
    .put = depot_put,
    .swap = depot_swap,
    .reap = depot_reap,
    .stats = depot_stats,
    .check = depot_check,
    .attach = fh_hub_attach,
    .detach = fh_hub_detach,
    .is_alone = fh_hub_is_alone,
};
