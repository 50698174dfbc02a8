/* pool_hard.c: hardened pools, which take it that somebody else in the process writes where he should not.
 *
 * Handles are checked as in every pool. This policy is about raw pointers that outlive their slot's life, and about writes
 * that run past an object:
 *
 *     free set ─► (at random) drawn ─► take: verified ─► live ─► put: canary verified, poisoned ─► ended ─► queue ─► free set
 *                └──────────── in a view's hand ────────────────────────────────────────────────────────┘
 *
 * - A slot that ends its life is poisoned and waits in a queue, first in, first out, until waiting_max others have followed
 *   it; then it joins the free set, from which slots are drawn at random among the CHOICE that joined last. The pool makes
 *   waiting_max slots more than its capacity, so the queue is full-length even when all of the capacity is live. A slot is
 *   verified when it is given out. One that was written meanwhile is never given out again: it is retired, counted and
 *   reported (fh_pool_on_overwritten), and take goes on with another. Slots that never lived are zero, and that is verified
 *   too; objects of an eager pool stay as they are, and a keyed sum stands for the poison.
 * - Slots are drawn, and join the queue, by the handful: each view has a hand of up to FH_HARD_HAND slots that were drawn, and
 *   as many that ended. So what a single alloc and release do is in the view (pool_short.h), and threads meet once a handful.
 *   A slot belongs to nobody: whoever ends its life, by a swap of its word, has it in hand.
 * - The bytes between an object and the next slot, 8 at least, hold a canary made from the slot's index and a secret. It is
 *   written when the slot is given out for the first time, and stays; it is verified at release and with the poison.
 * - Pages between the slots trap (pool_guard.c), so a write that runs on, or leaps far, ends the program.
 * - One alloc of SAMPLE_EVERY is given a slot that stands alone: the object ends where a trapping page begins, the page
 *   before it traps, and at release its own pages trap: a kept pointer ends the program at its first use. Where it was
 *   allocated and released is remembered (fh_pool_explain).
 *
 * Invariants: those of pool_guard.c; hard-lists: the free set, the queue and the hands hold each slot of [lead, ready) that is
 * neither live nor retired, once; free_count ≤ capacity + waiting_max, waiting_count ≤ waiting_max; out = live slots + slots in
 * hands ≤ capacity (and HAND more while a hand is emptied), so live ≤ capacity.
 *
 * No road is inline: a slot is larger than the typed pools of pool.h take for granted. Threading: in a pool for several
 * threads a lock guards the lists, each hand is its view's, and words change by compare-and-swap; a slot is filled and verified
 * outside the lock, by the one thread that has it. */
#include "mem/pool/pool_hard.h"

#include "freehold/harden.h"
#include "freehold/os.h"
#include "mem/poison.h"

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
static fh_status damage(const fh_pool_core *core, uint32_t i, uint64_t word, uint64_t offset, bool is_release, fh_err *err) {
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
    fh_status s = damage(view->core, i, word, offset, is_release, &err);
    fh_pool_alarm *alarm = fh_load(&alarm_fn, FH_ACQUIRE);
    if (alarm != NULL)
        alarm(fh_load(&alarm_ctx, FH_RELAXED), &err);
    return s;
}

/* --- the policy ------------------------------------------------------------------------------------------------------- */

/* True if nobody wrote to a slot that was drawn. Else it is retired and reported, if it is not yet. */
static bool examine(fh_pool *view, uint32_t i) {
    fh_pool_core *core = view->core;
    fh_hard *h = hard_of(view);
    uint64_t word = fh_load(fh_pool_word(core, i), FH_RELAXED), wrong = 0;
    bool is_known = fh_word_low(word) == FH_WORD_OVERWRITTEN;
    if (!is_known)
        wrong = fh_hard_wrong(core, h, i, word);
    if (FH_LIKELY(!is_known && wrong == core->stride))
        return true;
    if (word != 0)
        fh_store(fh_pool_word(core, i), fh_word(fh_word_generation(word), FH_WORD_OVERWRITTEN), FH_RELEASE);
    fh_hard_lock(h);
    fh_hard_count_out(view, h, UINT32_MAX);
    fh_store(&h->retired, h->retired + !is_known, FH_RELAXED);
    fh_hard_unlock(h);
    if (!is_known) {
        fh_status reported = report_damage(view, i, word, wrong, false);
        (void)reported;
    }
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
        bool is_guarded;
        FH_TRY(fh_hard_next(view, &i, &is_guarded));
        if (!is_guarded && !examine(view, i))
            continue;
        fh_status s = FH_DONE;
        if (FH_UNLIKELY(!fh_pool_is_made(core, fh_load(fh_pool_word(core, i), FH_RELAXED))))
            s = make(view, i);
        if (!fh_failed(s)) {
            fh_hard_open(core, h, i);
            if (!h->several_threads)
                fh_hard_note_peak(fh_hard_hand_of(view), fh_hard_hand_of(view)->drawn_count);
            *out = i;
            return FH_DONE;
        }
        fh_hard_lock(h);
        fh_hard_count_out(view, h, UINT32_MAX);
        fh_hard_add_free(h, i);
        fh_hard_unlock(h);
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
    uint64_t word = fh_word(generation, whole ? FH_HARD_FREE : FH_WORD_OVERWRITTEN);
    fh_store(fh_pool_word(core, i), word, FH_RELEASE);
    if (number == FH_HARD_GUARDED && whole && !worn) {
        fh_hard_keep(view, i);
        return FH_DONE;
    }
    fh_hard_lock(h);
    fh_hard_count_out(view, h, UINT32_MAX);
    fh_store(&h->retired, h->retired + (!whole && !worn), FH_RELAXED);
    if (number != FH_HARD_GUARDED)
        h->guarded[number].is_taken = false;
    fh_hard_unlock(h);
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

/* --- looking after -------------------------------------------------------------------------------------------------------
 *
 * A slot that is found overwritten where it lies is marked in its word; examine drops it when its turn has come. */

/* Slots that are neither live nor retired: the free set, the queue with its empty places, the hands. */
typedef struct rest {
    const uint32_t *slots;
    uint32_t count;
} rest;

/* The k-th part of them; the hands only where nobody uses them. False: there are no more. */
static bool rest_of(const fh_pool_core *core, const fh_hard *h, uint32_t k, rest *out) {
    uint32_t hand = k / 2 - 1, views = h->several_threads ? h->hub.view_count : 1;
    FH_UNSAFE("hard-lists");
    if (k < 2) {
        *out = k == 0 ? (rest){h->free, h->free_count} : (rest){h->waiting, h->waiting_max};
        return true;
    }
    if (hand >= views)
        return false;
    const fh_hard_hand *of = fh_hard_hand_of(h->several_threads ? h->hub.views[hand] : core->first);
    *out = k % 2 == 0 ? (rest){of->drawn + 1, of->drawn_count} : (rest){of->ended, of->ended_count};
    return true;
}

/* A slot that rests was written to, first at *wrong, and is not marked yet. */
static bool is_wrong(const fh_pool_core *core, const fh_hard *h, uint32_t i, uint64_t *wrong) {
    uint64_t word = i == FH_POOL_NO_SLOT ? 0 : fh_load(fh_pool_word(core, i), FH_RELAXED);
    *wrong = core->stride;
    if (i != FH_POOL_NO_SLOT && fh_word_low(word) != FH_WORD_OVERWRITTEN)
        *wrong = fh_hard_wrong(core, h, i, word);
    return *wrong != core->stride;
}

/* The first such slot of the free set and the queue; false if all is well. */
static bool find_wrong(const fh_pool_core *core, const fh_hard *h, uint32_t *out, uint64_t *wrong) {
    rest r;
    for (uint32_t part = 0; part < 2 && rest_of(core, h, part, &r); part++)
        for (uint32_t k = 0; k < r.count; k++) {
            FH_UNSAFE("hard-lists");
            *out = r.slots[k];
            if (is_wrong(core, h, *out, wrong))
                return true;
        }
    return false;
}

static fh_status hard_reap(fh_pool *view) {
    fh_pool_core *core = view->core;
    fh_hard *h = hard_of(view);
    fh_status first = FH_DONE;
    fh_hard_give_back(view);
    for (;;) {
        uint32_t i = 0;
        uint64_t wrong = 0, word = 0;
        fh_hard_lock(h);
        bool found = find_wrong(core, h, &i, &wrong);
        if (found) {
            word = fh_load(fh_pool_word(core, i), FH_RELAXED);
            uint32_t generation = word == 0 ? core->seed : fh_word_generation(word);
            fh_store(fh_pool_word(core, i), fh_word(generation, FH_WORD_OVERWRITTEN), FH_RELEASE);
            fh_store(&h->retired, h->retired + 1, FH_RELAXED);
        }
        fh_hard_unlock(h);
        if (!found)
            return first;
        fh_status s = report_damage(view, i, word, wrong, false);
        first = fh_failed(first) ? first : s;
    }
}

static fh_status check_rest(const fh_hard *h, fh_pool_checking *c, rest r) {
    const fh_pool_core *core = c->core;
    FH_UNSAFE("hard-lists");
    for (uint32_t k = 0; k < r.count; k++) {
        uint32_t i = r.slots[k];
        uint64_t wrong;
        if (i == FH_POOL_NO_SLOT)
            continue;
        if (!fh_hard_is_slot(core, h, i))
            return fh_fail(c->err, FH_CORRUPT, FH_NO_OFFSET, "pool: slot %u overlaps a guard", i);
        if (is_wrong(core, h, i, &wrong))
            return damage(core, i, fh_load(fh_pool_word(core, i), FH_RELAXED), wrong, false, c->err);
        if (i < core->used)
            FH_TRY(fh_pool_check_free(c, i, "the free and the waiting"));
    }
    return FH_DONE;
}

static fh_status hard_check(const fh_pool *view, fh_pool_checking *c) {
    const fh_pool_core *core = view->core;
    const fh_hard *h = hard_of(view);
    uint32_t live = 0, in_hands = 0, peak = fh_hard_hand_of(core->first)->peak;
    rest r;
    for (uint32_t part = 0; rest_of(core, h, part, &r); part++) {
        FH_TRY(check_rest(h, c, r));
        in_hands += part < 2 ? 0 : r.count;
    }
    for (uint32_t i = 0; i < core->used; i++) {
        uint64_t word = fh_load(fh_pool_word(core, i), FH_RELAXED);
        bool is_worn = word != 0 && fh_pool_is_worn(core, fh_word_generation(word));
        bool is_apart = is_worn || fh_word_low(word) == FH_WORD_OVERWRITTEN || !fh_hard_is_slot(core, h, i);
        live += fh_word_live(word);
        if (!fh_word_live(word) && is_apart && fh_span_at(fh_span_of_mut(c->seen), i) == 0)
            FH_TRY(fh_pool_check_free(c, i, "the holes and the retired"));
    }
    if (live + in_hands != h->out || live > peak || peak > core->capacity)
        return fh_fail(c->err, FH_CORRUPT, FH_NO_OFFSET, "pool: %u slots are live, %u in hands, counted %u of %u, peak %u",
                       live, in_hands, h->out, core->capacity, peak);
    return FH_DONE;
}

/* --- numbers, views, life ------------------------------------------------------------------------------------------------ */

static void hard_stats(const fh_pool *first, fh_pool_stats *stats) {
    const fh_hard *h = hard_of(first);
    if (h->several_threads)
        fh_hub_stats(first, stats);
    stats->peak = fh_load(&fh_hard_hand_of(first->core->first)->peak, FH_RELAXED);
    stats->quarantined = fh_load(&h->waiting_count, FH_RELAXED);
    uint32_t views = h->several_threads ? fh_load(&h->hub.view_count, FH_ACQUIRE) : 1;
    FH_UNSAFE("pool-views");
    for (uint32_t v = 0; v < views; v++) {
        const fh_pool *view = h->several_threads ? h->hub.views[v] : first->core->first;
        stats->quarantined += fh_load(&fh_hard_hand_of(view)->ended_count, FH_RELAXED);
    }
    stats->retired += fh_load(&h->retired, FH_RELAXED);
    stats->committed_bytes -= fh_load(&h->forbidden_bytes, FH_RELAXED);
}

static void hard_stats_reset(fh_pool *view) {
    fh_hard *h = hard_of(view);
    fh_hard_give_back(view);
    fh_hard_lock(h);
    fh_store(&fh_hard_hand_of(view->core->first)->peak, h->out, FH_RELAXED);
    fh_hard_unlock(h);
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
    fh_hard_lists_close(first->core, h);
    if (h->several_threads) {
        fh_hub_close(first);
    } else {
        fh_free(a, first->own);
        fh_free(a, h);
    }
}

/* Every slot of an eager pool exists from the beginning. */
static fh_status make_all(fh_pool *first, fh_hard *h) {
    FH_UNSAFE("hard-lists");
    for (uint32_t k = 0; first->core->config.eager && !h->several_threads && k < h->free_count; k++)
        FH_TRY(make(first, h->free[k]));
    return FH_DONE;
}

static fh_status hard_open(fh_pool *first) {
    static const fh_hub_kind kind = {sizeof(fh_hard), sizeof(fh_hard_hand), false, fh_hard_begin, fh_hard_give_back};
    fh_pool_core *core = first->core;
    fh_allocator *a = core->allocator;
    bool several_threads = core->config.threads == FH_POOL_SHARED || core->config.threads == FH_POOL_SHARED_BORROW;
    if (several_threads) {
        FH_TRY(fh_hub_open(first, &kind));
    } else {
        core->own = fh_alloc(a, 1, sizeof(fh_hard));
        first->own = core->own == NULL ? NULL : fh_alloc(a, 1, sizeof(fh_hard_hand));
        if (first->own == NULL) {
            fh_free(a, core->own);
            return FH_STATUS(FH_NOMEM);
        }
    }
    fh_hard *h = core->own;
    h->several_threads = several_threads;
    fh_status s = fh_hard_lists_open(core, h);
    if (!fh_failed(s))
        s = make_all(first, h);
    if (fh_failed(s))
        hard_close(first);
    else
        fh_hard_begin(first); /* fh_hub_open did not know yet what there is to know */
    return s;
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
    .close = hard_close, .take = hard_take, .put = hard_put, .swap = hard_swap,                                        \
    .reap = hard_reap, .stats = hard_stats, .stats_reset = hard_stats_reset, .check = hard_check,                      \
    .attach = hard_attach, .detach = hard_detach, .is_alone = hard_is_alone, .slots_for = fh_hard_slots_for

const fh_pool_policy fh_pool_hardened = {HARDENED};
const fh_pool_policy fh_pool_hardened_borrow = {HARDENED, .borrow_only = true};
