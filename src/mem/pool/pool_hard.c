/* pool_hard.c: hardened pools, which take it that somebody else in the process writes where he should not.
 *
 * Handles are checked as in every pool. This policy is about raw pointers that outlive their slot's life, and about writes
 * that run past an object:
 *
 *     take ─► verified, canary written ─► live ─► put: canary verified, poisoned ─► queue ─► free set ─► (at random) take
 *
 * - A slot that ends its life is poisoned and waits in a queue, first in, first out, until waiting_max others have followed
 *   it; then it joins the free set, from which take draws at random among the CHOICE that joined last. The pool makes
 *   waiting_max slots more than its capacity, so the queue is full-length even when all of the capacity is live. A slot is
 *   verified when it is drawn. One that was written meanwhile is never given out again: it is retired, counted and reported
 *   (fh_pool_on_overwritten), and take goes on with another. Slots that never lived are zero, and that is verified too;
 *   objects of an eager pool stay as they are, and a keyed sum stands for the poison.
 * - The bytes between an object and the next slot, 8 at least, hold a canary made from the slot's index and a secret. It is
 *   verified at release.
 * - Pages between the slots trap (pool_guard.c), so a write that runs on, or leaps far, ends the program.
 * - One alloc of SAMPLE_EVERY is given a slot that stands alone: the object ends where a trapping page begins, the page
 *   before it traps, and at release its own pages trap: a kept pointer ends the program at its first use. Where it was
 *   allocated and released is remembered (fh_pool_explain).
 *
 * Invariants: those of pool_guard.c; hard-lists: the free set and the queue hold each slot of [lead, ready) that is neither
 * live nor retired, once; free_count ≤ capacity + waiting_max, waiting_count ≤ waiting_max; live ≤ capacity.
 *
 * No road is inline: a slot is larger than the typed pools of pool.h take for granted. Threading: in a pool for several
 * threads a lock guards the lists, and words change by compare-and-swap; a slot is filled and verified outside the lock, by
 * the one thread that has it. */
#include "mem/pool/pool_hard.h"

#include "freehold/harden.h"
#include "freehold/os.h"
#include "mem/poison.h"

enum {
    SAMPLE_EVERY = 5000,
    CHOICE = 256,       /* so many slots at most are drawn from */
    SHORT_BYTES = 1024, /* the largest object of the short roads */
};

#define LOW_FREE FH_POOL_NO_SLOT

/* --- switches and reports --------------------------------------------------------------------------------------------- */

static bool harden_all;
static fh_pool_alarm *alarm_fn;
static void *alarm_ctx;

void fh_pool_harden_all(bool on) {
    fh_store(&harden_all, on, FH_RELAXED);
}

bool fh_pool_harden_default(void) {
    return fh_load(&harden_all, FH_RELAXED);
}

void fh_pool_on_overwritten(fh_pool_alarm *alarm, void *ctx) {
    fh_store(&alarm_ctx, ctx, FH_RELAXED);
    fh_store(&alarm_fn, alarm, FH_RELEASE);
}

static fh_hard *hard_of(const fh_pool *view) {
    return view->core->own;
}

/* Says that a slot was written to where nobody may; `offset` is the first such byte. */
static fh_status damage(const fh_pool *view, uint32_t i, uint64_t word, uint64_t offset, bool is_release, fh_err *err) {
    const fh_pool_core *core = view->core;
    uint32_t age = word == 0 ? 0 : fh_word_generation(word) - core->seed;
    const char *when = is_release ? "its last life wrote past the object" : word == 0 ? "written before its first life"
                                                                                       : "written after its release";
    if (offset == FH_NO_OFFSET)
        return fh_fail(err, FH_OVERWRITTEN, offset, "pool '%s': slot %u (lives so far: %u): %s", core->config.name, i,
                       (age + 1) / 2, when);
    return fh_fail(err, FH_OVERWRITTEN, offset, "pool '%s': slot %u (lives so far: %u): %s, first at byte %llu of %zu",
                   core->config.name, i, (age + 1) / 2, when, (unsigned long long)offset, core->config.size_bytes);
}

/* Tells the alarm that slot i, now retired, was overwritten. Outside every lock. */
static fh_status report_damage(fh_pool *view, uint32_t i, uint64_t word, uint64_t offset, bool is_release) {
    FH_POOL_COUNT(view->counts.overwritten);
    fh_err err;
    fh_err_clear(&err);
    fh_status s = damage(view, i, word, offset, is_release, &err);
    fh_pool_alarm *alarm = fh_load(&alarm_fn, FH_ACQUIRE);
    if (alarm != NULL)
        alarm(fh_load(&alarm_ctx, FH_RELAXED), &err);
    return s;
}

/* --- the lists: all under the lock ------------------------------------------------------------------------------------ */

static void lock(fh_hard *h) {
    if (h->several_threads)
        fh_lock_take(&h->hub.lock);
}

static void unlock(fh_hard *h) {
    if (h->several_threads)
        fh_lock_give(&h->hub.lock);
}

static uint32_t random_below(fh_hard *h, uint32_t n) {
    h->random = h->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((h->random >> 32) * n >> 32);
}

/* Chooses the slot to be drawn next among the last ones that joined, and begins to fetch it. (Were it any of a large free
 * set, none would be in the cache.) */
static inline void choose_next(const fh_pool *view, fh_hard *h) {
    uint32_t n = h->free_count;
    if (FH_UNLIKELY(n == 0))
        return;
    FH_UNSAFE("hard-poison");
    uint32_t *last = &h->free[n - 1], *chosen = last - random_below(h, n < CHOICE ? n : CHOICE), i = *chosen;
    *chosen = *last;
    *last = i;
    const uint8_t *at = view->fast.base + i * view->fast.stride;
    __builtin_prefetch(at, 1);
    __builtin_prefetch(at + view->fast.stride - 1, 1);
    __builtin_prefetch(&view->fast.words[i], 1);
}

static inline void note_live(fh_hard *h, uint32_t live) {
    h->live = live;
    if (FH_UNLIKELY(live > h->peak))
        fh_store(&h->peak, live, FH_RELAXED);
}

/* The slot joins the free set, beneath the one that was chosen. */
static inline void add_free(fh_hard *h, uint32_t i) {
    uint32_t n = h->free_count++;
    FH_UNSAFE("hard-lists");
    h->free[n] = i;
    if (n > 0) {
        h->free[n] = h->free[n - 1];
        h->free[n - 1] = i;
    }
}

static uint32_t oldest_waiting(fh_hard *h) {
    uint32_t at = h->waiting_at - h->waiting_count;
    fh_store(&h->waiting_count, h->waiting_count - 1, FH_RELAXED);
    FH_UNSAFE("hard-lists");
    return h->waiting[at & h->waiting_mask];
}

/* The slot joins the queue; when the queue is full, the oldest one leaves it. */
static inline void add_waiting(fh_hard *h, uint32_t i) {
    FH_UNSAFE("hard-lists");
    h->waiting[h->waiting_at & h->waiting_mask] = i;
    uint32_t oldest = h->waiting[(h->waiting_at++ - h->waiting_max) & h->waiting_mask];
    if (FH_LIKELY(h->waiting_count == h->waiting_max))
        add_free(h, oldest);
    else
        fh_store(&h->waiting_count, h->waiting_count + 1, FH_RELAXED);
}

/* Puts the committed slots that are new into the free set. When the system refuses a guard they stay out until the next try. */
static fh_status look_at_new(fh_pool *view, fh_hard *h) {
    fh_pool_core *core = view->core;
    FH_TRY(fh_hard_make_guards(core, h));
    FH_UNSAFE("hard-lists");
    for (; h->ready < core->slots; h->ready++)
        if (fh_hard_is_slot(core, h, h->ready))
            h->free[h->free_count++] = h->ready;
    choose_next(view, h);
    return FH_DONE;
}

static size_t sums_size(const fh_hard *h, uint64_t slots) {
    return (size_t)((slots * sizeof *h->sums + h->is.page_bytes - 1) & ~(h->is.page_bytes - 1));
}

/* Room in the free set, and sums, for a pool of `capacity` slots. FH_NOMEM changes nothing. */
static fh_status make_room(fh_pool_core *core, fh_hard *h, uint32_t capacity) {
    uint64_t slots = fh_hard_slots_for(core, capacity);
    if (h->sums != NULL)
        FH_TRY(fh_pages_commit(core->allocator, h->sums, sums_size(h, slots)));
    uint32_t *free = fh_alloc(core->allocator, capacity + h->is.waiting_max, sizeof *free);
    if (free == NULL)
        return FH_STATUS(FH_NOMEM);
    FH_UNSAFE("hard-lists");
    if (h->free != NULL)
        memcpy(free, h->free, h->free_count * sizeof *free);
    fh_free(core->allocator, h->free);
    h->free = free;
    return FH_DONE;
}

/* The slot that was chosen, from the free set. */
static fh_status draw(fh_pool *view, fh_hard *h, uint32_t *out) {
    fh_pool_core *core = view->core;
    if (h->ready < core->slots)
        FH_TRY(look_at_new(view, h));
    if (h->live >= core->capacity) {
        uint32_t capacity = fh_pool_next_capacity(core);
        if (capacity == core->capacity)
            return FH_STATUS(FH_EXHAUSTED);
        FH_TRY(make_room(core, h, capacity));
        FH_TRY(fh_pool_commit(core, capacity));
        FH_TRY(look_at_new(view, h));
    }
    do {
        if (h->free_count == 0) {
            if (h->waiting_count == 0)
                return FH_STATUS(FH_EXHAUSTED); /* too many were retired */
            add_free(h, oldest_waiting(h));
        }
        FH_UNSAFE("hard-lists");
        *out = h->free[--h->free_count];
        choose_next(view, h);
    } while (fh_word_low(fh_load(fh_pool_word(core, *out), FH_RELAXED)) == FH_WORD_OVERWRITTEN);
    return FH_DONE;
}

/* --- guarded slots ---------------------------------------------------------------------------------------------------- */

/* A guarded slot, if this alloc is sampled and one is free. They take turns, so that the pages of one that ended trap for
 * long. */
static bool draw_guarded(fh_pool *view, fh_hard *h, uint32_t *out) {
    fh_pool_core *core = view->core;
    if (--h->sample_in != 0 || h->sample_every == 0)
        return false;
    h->sample_in = 1 + random_below(h, 2 * h->sample_every - 1);
    for (uint32_t k = 0; k < FH_HARD_GUARDED && h->live < core->capacity; k++) {
        uint32_t number = (h->guarded_next + k) % FH_HARD_GUARDED, i = fh_hard_guarded_index(h, number);
        uint64_t word = fh_load(fh_pool_word(core, i), FH_ACQUIRE);
        if (h->guarded[number].is_taken ||
            (word != 0 && (fh_word_low(word) != LOW_FREE || fh_pool_is_worn(core, fh_word_generation(word)))))
            continue;
        size_t bytes;
        uint8_t *pages = fh_hard_guarded_pages(core, i, &bytes);
        if (fh_failed(fh_pages_commit(core->allocator, pages, bytes)))
            return false;
        h->guarded_next = number + 1;
        h->guarded[number] = (fh_hard_guarded){.is_taken = true, .allocated_at = fh_load(&view->site, FH_RELAXED)};
        *out = i;
        return true;
    }
    return false;
}

/* --- the policy ------------------------------------------------------------------------------------------------------- */

/* True if nobody wrote to a slot that was drawn. Else it is retired and reported. */
static bool examine(fh_pool *view, uint32_t i) {
    fh_pool_core *core = view->core;
    fh_hard *h = hard_of(view);
    uint64_t word = fh_load(fh_pool_word(core, i), FH_RELAXED), wrong = fh_hard_wrong(core, h, i, word);
    if (FH_LIKELY(wrong == core->stride))
        return true;
    if (word != 0)
        fh_store(fh_pool_word(core, i), fh_word(fh_word_generation(word), FH_WORD_OVERWRITTEN), FH_RELEASE);
    lock(h);
    h->live--;
    fh_store(&h->retired, h->retired + 1, FH_RELAXED);
    unlock(h);
    fh_status reported = report_damage(view, i, word, wrong, false);
    (void)reported;
    return false;
}

/* Brings a slot into being that never lived. */
static fh_status make(fh_pool *view, uint32_t i) {
    fh_hard *h = hard_of(view);
    fh_status s = fh_pool_slot_create(view, i);
    if (h->sums != NULL) {
        fh_hard_open(view->core, h, i);
        fh_hard_leave(view->core, h, i);
    }
    return s;
}

static fh_status hard_take(fh_pool *view, uint32_t *out) {
    fh_pool_core *core = view->core;
    fh_hard *h = hard_of(view);
    for (;;) {
        uint32_t i = 0;
        lock(h);
        bool alone = draw_guarded(view, h, &i);
        fh_status s = alone ? FH_DONE : draw(view, h, &i);
        note_live(h, h->live + !fh_failed(s));
        unlock(h);
        FH_TRY(s);
        if (!alone && !examine(view, i))
            continue;
        if (FH_UNLIKELY(!fh_pool_is_made(core, fh_load(fh_pool_word(core, i), FH_RELAXED))))
            s = make(view, i);
        if (!fh_failed(s)) {
            fh_hard_open(core, h, i);
            *out = i;
            return FH_DONE;
        }
        lock(h);
        h->live--;
        add_free(h, i);
        unlock(h);
        return s;
    }
}

static fh_status hard_put(fh_pool *view, uint32_t i, uint32_t generation) {
    fh_pool_core *core = view->core;
    fh_hard *h = hard_of(view);
    uint32_t number = fh_hard_guarded_number(h, i);
    FH_UNPOISON(fh_pool_at(core, i), core->stride);
    uint64_t wrong = fh_hard_canary_wrong(core, h, i);
    bool whole = wrong == core->stride, worn = fh_pool_is_worn(core, generation);
    if (number == FH_HARD_GUARDED) {
        fh_hard_leave(core, h, i);
    } else {
        size_t bytes;
        uint8_t *pages = fh_hard_guarded_pages(core, i, &bytes);
        h->guarded[number].released_at = fh_load(&view->site, FH_RELAXED);
        if (fh_failed(fh_os_forbid(pages, bytes)))
            fh_hard_leave(core, h, i); /* the system has no more mappings: what it cannot trap is poisoned */
    }
    uint64_t word = fh_word(generation, whole ? LOW_FREE : FH_WORD_OVERWRITTEN);
    fh_store(fh_pool_word(core, i), word, FH_RELEASE);
    lock(h);
    h->live--;
    fh_store(&h->retired, h->retired + (!whole && !worn), FH_RELAXED);
    if (number != FH_HARD_GUARDED)
        h->guarded[number].is_taken = false;
    else if (whole && !worn)
        add_waiting(h, i);
    unlock(h);
    return whole ? FH_DONE : report_damage(view, i, word, wrong, true);
}

static fh_status hard_swap(fh_pool *view, uint32_t i, uint64_t from, uint64_t to) {
    uint64_t *word = fh_pool_word(view->core, i);
    if (!hard_of(view)->several_threads) {
        fh_store(word, to, FH_RELEASE);
        return FH_DONE;
    }
    return fh_cas(word, &from, to, FH_ACQ_REL) ? FH_DONE : FH_STATUS(FH_AGAIN);
}

/* --- the short roads: nearly every alloc and release of a pool with one user and without hooks -----------------------------
 *
 * They change nothing before they know that all is as usual; else the long road finds out what it is. */

/* Of a serial pool, any thread may be the next user: the long road makes it the view's `thread`. */
static inline bool may_be_short(const fh_pool *view, const fh_hard *h) {
    return FH_LIKELY(fh_load(&view->fast.thread, FH_RELAXED) == fh_thread_self() && h->is_simple);
}

static fh_pool_found hard_alloc(fh_pool *view, fh_handle *out) {
    fh_hard *h = hard_of(view);
    if (FH_UNLIKELY(!may_be_short(view, h) || h->free_count == 0 || h->live >= view->core->capacity || h->sample_in == 1))
        return fh_pool_alloc_long(view, out);
    FH_UNSAFE("hard-poison");
    size_t size = view->fast.size, stride = view->fast.stride;
    uint32_t n = h->free_count, i = h->free[n - 1];
    uint64_t *word = &view->fast.words[i], found = fh_load(word, FH_RELAXED);
    uint8_t *at = view->fast.base + i * stride;
    if (FH_UNLIKELY(found == 0 || fh_word_low(found) != LOW_FREE || !fh_hard_is_filled(at, stride, FH_HARD_POISON)))
        return fh_pool_alloc_long(view, out);
    h->free_count = n - 1;
    h->sample_in--;
    choose_next(view, h);
    note_live(h, h->live + 1);
    fh_hard_fill(at, stride, 0);
    fh_hard_put_canary(at, size, stride, fh_hard_canary(h, i), h->canary_mask);
    uint64_t begun = fh_word(fh_word_generation(found) + 1, 0);
    fh_store(word, begun, FH_RELEASE);
    *out = (fh_handle){begun | i};
    return (fh_pool_found){at, FH_DONE};
}

static fh_pool_found hard_use(fh_pool *view, fh_handle handle, fh_pool_op op) {
    fh_hard *h = hard_of(view);
    uint32_t i = fh_handle_index(handle), generation = fh_handle_generation(handle);
    if (FH_UNLIKELY(!may_be_short(view, h) || (op != FH_POOL_RELEASE && op != FH_POOL_GET) || i < h->is.lead || i >= h->ready ||
                    generation == view->fast.last))
        return fh_pool_use_long(view, handle, op);
    FH_UNSAFE("hard-poison");
    size_t size = view->fast.size, stride = view->fast.stride;
    uint64_t *word = &view->fast.words[i];
    uint8_t *at = view->fast.base + i * stride;
    if (FH_UNLIKELY(fh_load(word, FH_RELAXED) != fh_word(generation, 0) || (generation & 1) == 0))
        return fh_pool_use_long(view, handle, op);
    if (op == FH_POOL_GET)
        return (fh_pool_found){at, FH_DONE};
    if (FH_UNLIKELY(!fh_hard_is_canary_whole(at, size, stride, fh_hard_canary(h, i), h->canary_mask)))
        return fh_pool_use_long(view, handle, op);
    fh_hard_fill(at, stride, FH_HARD_POISON);
    fh_store(word, fh_word(generation + 1, LOW_FREE), FH_RELEASE);
    h->live--;
    add_waiting(h, i);
    return (fh_pool_found){NULL, FH_DONE};
}

/* --- looking after -------------------------------------------------------------------------------------------------------
 *
 * A slot that is found overwritten where it lies is marked in its word; draw drops it when it comes to it. */

/* The k-th slot of the free set and then of the queue. */
static uint32_t resting(const fh_hard *h, uint32_t k) {
    FH_UNSAFE("hard-lists");
    if (k < h->free_count)
        return h->free[k];
    return h->waiting[(h->waiting_at - h->waiting_count + (k - h->free_count)) & h->waiting_mask];
}

/* The first slot from the k-th on that somebody wrote to and that is not marked yet; false if all is well. */
static bool find_wrong(const fh_pool_core *core, const fh_hard *h, uint32_t *k, uint64_t *wrong) {
    for (; *k < h->free_count + h->waiting_count; ++*k) {
        uint32_t i = resting(h, *k);
        uint64_t word = fh_load(fh_pool_word(core, i), FH_RELAXED);
        *wrong = fh_word_low(word) == FH_WORD_OVERWRITTEN ? core->stride : fh_hard_wrong(core, h, i, word);
        if (*wrong != core->stride)
            return true;
    }
    return false;
}

static fh_status hard_reap(fh_pool *view) {
    fh_pool_core *core = view->core;
    fh_hard *h = hard_of(view);
    fh_status first = FH_DONE;
    for (;;) {
        uint32_t k = 0, i = 0;
        uint64_t wrong = 0, word = 0;
        lock(h);
        bool found = find_wrong(core, h, &k, &wrong);
        if (found) {
            i = resting(h, k);
            word = fh_load(fh_pool_word(core, i), FH_RELAXED);
            uint32_t generation = word == 0 ? core->seed : fh_word_generation(word);
            fh_store(fh_pool_word(core, i), fh_word(generation, FH_WORD_OVERWRITTEN), FH_RELEASE);
            fh_store(&h->retired, h->retired + 1, FH_RELAXED);
        }
        unlock(h);
        if (!found)
            return first;
        fh_status s = report_damage(view, i, word, wrong, false);
        first = fh_failed(first) ? first : s;
    }
}

static fh_status hard_check(const fh_pool *view, fh_pool_checking *c) {
    const fh_pool_core *core = view->core;
    const fh_hard *h = hard_of(view);
    uint32_t k = 0, live = 0;
    uint64_t wrong;
    if (find_wrong(core, h, &k, &wrong))
        return damage(view, resting(h, k), fh_load(fh_pool_word(core, resting(h, k)), FH_RELAXED), wrong, false, c->err);
    for (k = 0; k < h->free_count + h->waiting_count; k++) {
        uint32_t i = resting(h, k);
        if (!fh_hard_is_slot(core, h, i))
            return fh_fail(c->err, FH_CORRUPT, FH_NO_OFFSET, "pool: slot %u overlaps a guard", i);
        if (i < core->used)
            FH_TRY(fh_pool_check_free(c, i, "the free and the waiting"));
    }
    for (uint32_t i = 0; i < core->used; i++) {
        uint64_t word = fh_load(fh_pool_word(core, i), FH_RELAXED);
        bool is_worn = word != 0 && fh_pool_is_worn(core, fh_word_generation(word));
        bool is_apart = is_worn || fh_word_low(word) == FH_WORD_OVERWRITTEN || !fh_hard_is_slot(core, h, i);
        live += fh_word_live(word);
        if (!fh_word_live(word) && is_apart && fh_span_at(fh_span_of_mut(c->seen), i) == 0)
            FH_TRY(fh_pool_check_free(c, i, "the holes and the retired"));
    }
    if (live != h->live || h->live > h->peak || h->peak > core->capacity)
        return fh_fail(c->err, FH_CORRUPT, FH_NO_OFFSET, "pool: %u slots are live, counted %u of %u, peak %u", live, h->live,
                       core->capacity, h->peak);
    return FH_DONE;
}

/* --- numbers, views, life ------------------------------------------------------------------------------------------------ */

static void hard_stats(const fh_pool *view, fh_pool_stats *stats) {
    fh_hard *h = hard_of(view);
    if (h->several_threads)
        fh_hub_stats(view, stats);
    stats->peak = fh_load(&h->peak, FH_RELAXED);
    stats->quarantined = fh_load(&h->waiting_count, FH_RELAXED);
    stats->retired += fh_load(&h->retired, FH_RELAXED);
    stats->committed_bytes -= fh_load(&h->forbidden_bytes, FH_RELAXED);
}

static void hard_stats_reset(fh_pool *view) {
    fh_hard *h = hard_of(view);
    lock(h);
    fh_store(&h->peak, h->live, FH_RELAXED);
    unlock(h);
}

static fh_status hard_attach(fh_pool *first, fh_pool **out_view) {
    return hard_of(first)->several_threads ? fh_hub_attach(first, out_view) : FH_STATUS(FH_UNSUPPORTED);
}

static fh_status hard_detach(fh_pool *view) {
    return hard_of(view)->several_threads ? fh_hub_detach(view) : FH_STATUS(FH_UNSUPPORTED);
}

static bool hard_is_alone(const fh_pool *first) {
    return !hard_of(first)->several_threads || fh_hub_is_alone(first);
}

static void hard_close(fh_pool *first) {
    fh_allocator *a = first->core->allocator;
    fh_hard *h = hard_of(first);
    fh_pages_release(a, h->sums, h->sums_bytes);
    fh_free(a, h->free);
    fh_free(a, h->waiting);
    if (h->several_threads)
        fh_hub_close(first);
    else
        fh_free(a, h);
}

static fh_status fill_in(fh_pool *first, fh_hard *h) {
    fh_pool_core *core = first->core;
    h->is = fh_hard_layout_of(core);
    h->random = fh_os_random();
    h->secret = fh_os_random();
    h->sample_every = core->config.eager ? 0 : SAMPLE_EVERY; /* a page that traps keeps no object */
    h->sample_in = 1 + random_below(h, 2 * SAMPLE_EVERY - 1);
    const fh_pool_config *c = &core->config;
    h->is_simple = !h->several_threads && !c->eager && c->init == NULL && c->fini == NULL && c->size_bytes <= SHORT_BYTES &&
                   !FH_IS_WATCHED();
    uint8_t mask[8];
    for (size_t k = 0; k < 8; k++)
        mask[k] = k < (c->size_bytes & 7) ? 0 : 0xff;
    h->canary_mask = fh_hard_word(mask);
    h->waiting_max = (uint32_t)h->is.waiting_max;
    h->waiting_mask = 1;
    while (h->waiting_mask < h->waiting_max)
        h->waiting_mask = 2 * h->waiting_mask + 1;
    h->waiting = fh_alloc(core->allocator, (size_t)h->waiting_mask + 1, sizeof *h->waiting);
    if (h->waiting == NULL)
        return FH_STATUS(FH_NOMEM);
    if (core->config.eager) {
        h->sums_bytes = sums_size(h, core->slots_max);
        void *at;
        FH_TRY(fh_pages_reserve(core->allocator, h->sums_bytes, &at));
        h->sums = at;
    }
    FH_TRY(make_room(core, h, core->capacity));
    FH_TRY(look_at_new(first, h));
    FH_UNSAFE("hard-lists");
    if (core->config.eager && !h->several_threads)
        for (uint32_t k = 0; k < h->free_count; k++)
            FH_TRY(make(first, h->free[k]));
    return FH_DONE;
}

/* A view holds nothing of its own. */
static void nothing(fh_pool *view) {
    (void)view;
}

static fh_status hard_open(fh_pool *first) {
    static const fh_hub_kind kind = {sizeof(fh_hard), sizeof(fh_seat), false, nothing, nothing};
    fh_pool_core *core = first->core;
    bool several_threads = core->config.threads == FH_POOL_SHARED || core->config.threads == FH_POOL_SHARED_BORROW;
    if (several_threads)
        FH_TRY(fh_hub_open(first, &kind));
    else
        core->own = fh_alloc(core->allocator, 1, sizeof(fh_hard));
    fh_hard *h = core->own;
    if (h == NULL)
        return FH_STATUS(FH_NOMEM);
    h->several_threads = several_threads;
    fh_status s = fill_in(first, h);
    if (fh_failed(s))
        hard_close(first);
    return s;
}

void fh_pool_hard_sample(fh_pool *pool, uint32_t every) {
    fh_hard *h = hard_of(pool);
    lock(h);
    h->sample_every = pool->core->config.eager ? 0 : every;
    h->sample_in = 1;
    unlock(h);
}

/* --- what became of a handle ------------------------------------------------------------------------------------------ */

/* A sampled slot remembers where its last life was allocated and released. */
static const fh_hard_guarded *sites_of(const fh_pool_core *core, uint32_t i) {
    if (core->policy->open != hard_open)
        return NULL;
    const fh_hard *h = core->own;
    uint32_t number = fh_hard_guarded_number(h, i);
    return number < FH_HARD_GUARDED ? &h->guarded[number] : NULL;
}

fh_status fh_pool_explain(fh_pool *pool, fh_handle h, fh_err *err) {
    const fh_pool_core *core = pool->core;
    const char *name = core->config.name;
    uint32_t i = fh_handle_index(h), age = fh_handle_generation(h) - core->seed;
    uint64_t word = i < fh_load(&core->used, FH_ACQUIRE) ? fh_load(fh_pool_word(core, i), FH_ACQUIRE) : 0;
    uint32_t now = fh_word_generation(word) - core->seed, life = age / 2 + 1, lives = now / 2 + (now & 1);
    if (h.value == 0)
        return fh_fail(err, FH_STALE, FH_NO_OFFSET, "pool '%s': the zero handle", name);
    if ((age & 1) == 0 || !fh_pool_is_made(core, word) || age > now)
        return fh_fail(err, FH_WRONG_POOL, FH_NO_OFFSET, "pool '%s': it never made this handle (slot %u)", name, i);
    if (age == now)
        return FH_DONE;
    const char *state = fh_word_live(word)                             ? "in a later life"
                        : fh_word_low(word) == FH_WORD_OVERWRITTEN ? "retired, because it was overwritten"
                                                                       : "free";
    const fh_hard_guarded *sites = age + 1 == now ? sites_of(core, i) : NULL;
    if (sites == NULL)
        return fh_fail(err, FH_STALE, FH_NO_OFFSET, "pool '%s': slot %u: life %u of %u is over, the slot is %s", name, i, life,
                       lives, state);
    return fh_fail(err, FH_STALE, FH_NO_OFFSET,
                   "pool '%s': slot %u: life %u of %u is over, the slot is %s; allocated at 0x%llx, released at 0x%llx", name,
                   i, life, lives, state, (unsigned long long)sites->allocated_at, (unsigned long long)sites->released_at);
}

#define HARDENED                                                                                                       \
    .name = "hardened", .slack_bytes = FH_HARD_SLACK_BYTES, .guard_bytes = FH_HARD_GUARD_BYTES, .open = hard_open,     \
    .close = hard_close, .alloc = hard_alloc, .use = hard_use, .take = hard_take, .put = hard_put, .swap = hard_swap,  \
    .reap = hard_reap, .stats = hard_stats, .stats_reset = hard_stats_reset, .check = hard_check,                      \
    .attach = hard_attach, .detach = hard_detach, .is_alone = hard_is_alone, .slots_for = fh_hard_slots_for

const fh_pool_policy fh_pool_hardened = {HARDENED};
const fh_pool_policy fh_pool_hardened_borrow = {HARDENED, .borrow_only = true};
