/* pool_local.c: the pools that one thread uses at a time: confined and serial.
 *
 *     free slots = list (fast.head: last in, first out, popped and pushed inline)
 *                + rest (not in circulation: set aside by a statistics reset, or at growth of an eager pool)
 *                + [fresh, slots) (never taken, or trimmed)
 *
 * An alloc prefers the list; only when it is empty, a slot of the rest, and then a fresh one, comes into circulation. At that
 * moment every slot in circulation is live, so the most that were ever in circulation is the most that were ever live at once.
 * That is how neither an alloc nor a release counts anything.
 *
 * Invariants: pool-local: each slot below `fresh` that is not live is in the list, in the rest, or retired, once; circulating
 * = live + the list's length; slots of the rest that are UNMADE still want their init hook. Threading: one thread at a time;
 * `circulating` and `peak` may be read by others. */
#include "mem/pool/pool_core.h"

typedef struct local {
    uint32_t rest;  /* as fast.head */
    uint32_t fresh;
    uint32_t circulating, peak;
} local;

static void set_peak(local *l) {
    if (l->circulating > l->peak)
        fh_store(&l->peak, l->circulating, FH_RELAXED);
}

static uint32_t pop(fh_pool_core *core, uint32_t *head) {
    uint32_t index = *head & FH_WORD_INDEX;
    *head = fh_word_low(fh_load(fh_pool_word(core, index), FH_RELAXED));
    return index;
}

static void push(fh_pool_core *core, uint32_t *head, uint32_t index, uint32_t generation) {
    fh_store(fh_pool_word(core, index), fh_word(generation, *head), FH_RELEASE);
    *head = FH_WORD_FREE | index;
}

static uint32_t generation_at(const fh_pool_core *core, uint32_t index) {
    return fh_word_generation(fh_load(fh_pool_word(core, index), FH_RELAXED));
}

/* --- growth --------------------------------------------------------------------------------------------------------- */

/* An eager pool's new slots go to the rest, lowest on top. After a failure the remaining ones are left for a later take. */
static fh_status make_all(fh_pool *view) {
    local *l = view->own;
    uint32_t from = l->fresh, to = view->core->slots;
    fh_status first = FH_DONE;
    l->fresh = to;
    for (uint32_t i = to; i > from; i--) {
        fh_status s = fh_failed(first) ? first : fh_pool_slot_create(view, i - 1);
        if (fh_failed(s) && !fh_failed(first))
            first = s;
        uint32_t generation = fh_failed(s) ? view->core->seed + FH_AGE_UNMADE : generation_at(view->core, i - 1);
        push(view->core, &l->rest, i - 1, generation);
    }
    return first;
}

static fh_status grow(fh_pool *view) {
    fh_pool_core *core = view->core;
    uint32_t capacity = fh_pool_next_capacity(core);
    if (capacity == core->capacity)
        return FH_STATUS(FH_EXHAUSTED);
    FH_TRY(fh_pool_commit(core, capacity));
    fh_status s = core->config.eager ? make_all(view) : FH_DONE;
    (void)s; /* what a hook said concerns the alloc only if that comes to such a slot */
    return FH_DONE;
}

/* The next slot that comes into circulation. */
static fh_status next_slot(fh_pool *view, uint32_t *out) {
    fh_pool_core *core = view->core;
    local *l = view->own;
    for (;;) {
        if (l->rest != FH_POOL_NO_SLOT) {
            *out = pop(core, &l->rest);
            return FH_DONE;
        }
        if (l->fresh == core->slots) {
            FH_TRY(grow(view));
            continue;
        }
        *out = l->fresh++;
        uint64_t word = fh_load(fh_pool_word(core, *out), FH_RELAXED);
        if (word == 0 || !fh_pool_is_worn(core, fh_word_generation(word)))
            return FH_DONE; /* else it was trimmed, worn out */
    }
}

static fh_status local_take(fh_pool *view, uint32_t *out) {
    fh_pool_core *core = view->core;
    local *l = view->own;
    if (view->fast.head != FH_POOL_NO_SLOT) {
        *out = pop(core, &view->fast.head);
        return FH_DONE;
    }
    uint32_t index;
    FH_TRY(next_slot(view, &index));
    if (!fh_pool_is_made(core, fh_load(fh_pool_word(core, index), FH_RELAXED))) {
        fh_status s = fh_pool_slot_create(view, index);
        if (fh_failed(s)) {
            push(core, &l->rest, index, core->seed + FH_AGE_UNMADE);
            return s;
        }
    }
    fh_store(&l->circulating, l->circulating + 1, FH_RELAXED);
    set_peak(l);
    *out = index;
    return FH_DONE;
}

static fh_status local_put(fh_pool *view, uint32_t index, uint32_t generation) {
    local *l = view->own;
    if (fh_pool_is_worn(view->core, generation)) {
        fh_store(fh_pool_word(view->core, index), fh_word(generation, FH_POOL_NO_SLOT), FH_RELEASE);
        fh_store(&l->circulating, l->circulating - 1, FH_RELAXED);
    } else {
        push(view->core, &view->fast.head, index, generation);
    }
    return FH_DONE;
}

static fh_status local_swap(fh_pool *view, uint32_t index, uint64_t from, uint64_t to) {
    (void)from;
    fh_store(fh_pool_word(view->core, index), to, FH_RELEASE);
    return FH_DONE;
}

/* --- trim ----------------------------------------------------------------------------------------------------------- */

/* Keeps of a list what is below `bound`, in order; returns how many it dropped. */
static uint32_t filter(fh_pool_core *core, uint32_t *head, uint32_t bound) {
    uint32_t kept = FH_POOL_NO_SLOT, dropped = 0;
    while (*head != FH_POOL_NO_SLOT) {
        uint32_t index = pop(core, head);
        if (index < bound)
            push(core, &kept, index, generation_at(core, index));
        else
            dropped++;
    }
    while (kept != FH_POOL_NO_SLOT) {
        uint32_t index = pop(core, &kept);
        push(core, head, index, generation_at(core, index));
    }
    return dropped;
}

static size_t local_trim(fh_pool *view) {
    fh_pool_core *core = view->core;
    local *l = view->own;
    if (core->config.eager)
        return 0; /* its free slots hold objects */
    uint32_t bound = l->fresh;
    while (bound > core->config.capacity && !fh_word_live(fh_load(fh_pool_word(core, bound - 1), FH_RELAXED)))
        bound--;
    if (bound < core->config.capacity)
        bound = core->config.capacity;
    size_t bytes = bound < core->slots ? fh_pool_uncommit(core, bound) : 0;
    if (bytes == 0)
        return 0;
    fh_store(&l->circulating, l->circulating - filter(core, &view->fast.head, bound), FH_RELAXED);
    (void)filter(core, &l->rest, bound);
    if (l->fresh > bound)
        l->fresh = bound;
    return bytes;
}

/* --- numbers, checks ------------------------------------------------------------------------------------------------ */

static void local_stats(const fh_pool *view, fh_pool_stats *stats) {
    const local *l = view->own;
    stats->peak = fh_load(&l->peak, FH_RELAXED);
}

static void local_stats_reset(fh_pool *view) {
    local *l = view->own;
    while (view->fast.head != FH_POOL_NO_SLOT) {
        uint32_t index = pop(view->core, &view->fast.head);
        push(view->core, &l->rest, index, generation_at(view->core, index));
        l->circulating--;
    }
    fh_store(&l->peak, l->circulating, FH_RELAXED);
}

static fh_status check_list(fh_pool_checking *c, uint32_t head, const char *name, uint32_t *out_count) {
    *out_count = 0;
    while (head != FH_POOL_NO_SLOT) {
        FH_TRY(fh_pool_check_free(c, head & FH_WORD_INDEX, name));
        head = fh_word_low(fh_load(fh_pool_word(c->core, head & FH_WORD_INDEX), FH_RELAXED));
        ++*out_count;
    }
    return FH_DONE;
}

static fh_status local_check(const fh_pool *view, fh_pool_checking *c) {
    const fh_pool_core *core = view->core;
    const local *l = view->own;
    uint32_t listed, rested, live = 0;
    FH_TRY(check_list(c, view->fast.head, "the list", &listed));
    FH_TRY(check_list(c, l->rest, "the rest", &rested));
    if (l->fresh > core->slots)
        return fh_fail(c->err, FH_CORRUPT, FH_NO_OFFSET, "pool: %u fresh of %u slots", l->fresh, core->slots);
    for (uint32_t i = 0; i < core->used; i++) {
        uint64_t word = fh_load(fh_pool_word(core, i), FH_RELAXED);
        if (fh_word_live(word))
            live++;
        else if (i >= l->fresh || (fh_pool_is_made(core, word) && fh_pool_is_worn(core, fh_word_generation(word))))
            FH_TRY(fh_pool_check_free(c, i, "the fresh and the retired"));
    }
    if (l->circulating != live + listed || l->peak < l->circulating)
        return fh_fail(c->err, FH_CORRUPT, FH_NO_OFFSET, "pool: %u in circulation, but %u live and %u listed, peak %u",
                       l->circulating, live, listed, l->peak);
    return FH_DONE;
}

/* --- the table ------------------------------------------------------------------------------------------------------ */

static fh_status local_open(fh_pool *first) {
    local *l = fh_alloc(first->core->allocator, 1, sizeof *l);
    if (l == NULL)
        return FH_STATUS(FH_NOMEM);
    l->rest = FH_POOL_NO_SLOT;
    first->own = l;
    fh_status s = first->core->config.eager ? make_all(first) : FH_DONE;
    if (fh_failed(s))
        fh_free(first->core->allocator, l);
    return s;
}

static void local_close(fh_pool *first) {
    fh_free(first->core->allocator, first->own);
}

const fh_pool_policy fh_pool_local = {
    .name = "local",
    .roads = FH_POOL_ROAD_LOOKUP | FH_POOL_ROAD_BORROW | FH_POOL_ROAD_RELEASE | FH_POOL_ROAD_ALLOC,
    .open = local_open,
    .close = local_close,
    .take = local_take,
    .put = local_put,
    .swap = local_swap,
    .trim = local_trim,
    .stats = local_stats,
    .stats_reset = local_stats_reset,
    .check = local_check,
};
