/* pool_shared.c: pools that many threads use, each slot with one writer.
 *
 *     view → list (fast.head: popped inline, and pushed inline for the view's own range)
 *            inbox ← letters of other views: blocks of slots that they released
 *            outbox[v]: a letter to view v that is still open; sent when it is full, when v is hungry, or at a reap
 *            rest: slots whose init hook failed;  [fresh, fresh_end): slots that were never in use
 *
 * Each slot has an owner, the view on whose list it was last; labels[slot] says which. Only the owner changes the word of a
 * live slot, by plain stores; a release elsewhere is a mark and a letter. slot.h says why every double free is reported
 * exactly once, and no slot has two lives at once.
 *
 * That proof needs to know who the owner is. A view trusts labels[i] == its own number only. The label of a slot changes while
 * the slot is free, or claimed by a hook at work, and
 *   - from nobody to the view that has the slot fresh, or
 *   - away from a view that is idle, under the lock;
 * so while a view has a thread, no label is taken from it, and when it gets a thread, by way of the lock, that thread sees what
 * was taken before. Everybody else may see an outdated label: then a letter goes to a former owner, who passes it on.
 *
 * With a hook at release (fini, or reset of an eager pool) both owner and others claim the slot by a swap to HOOK first, so
 * that the hook runs once; then no mark is ever overwritten, and who has claimed the slot may keep it if no letter can be
 * written.
 *
 * What is under way: a view may hold back (letter − 1) slots for each other one in open letters, where letter = 62, or
 * max_capacity / 16 if that is less; a reap sends them. A view that finds no slot says so (hungry): then every release to
 * it is sent at once. Free slots of a view are no other view's, until it is detached: then whoever has none takes all it has.
 *
 * Cache lines: a line that one thread writes and another only reads costs the writer the most, since it has to be taken from
 * the reader again (tens of nanoseconds; no prefetch helps). So both sides write what they pass: a reader of a letter clears
 * it, and a release elsewhere takes the object's first line, which its owner is about to write (fh_own_line).
 *
 * Invariants: pool-owner: the word of a live slot {g, anything but 0} is changed by its owner or by who claimed it, {g, 0} by
 * the owner or by a mark; pool-letters: letters under way = marked slots + marks that were overwritten; each slot that is free
 * is on one list, or fresh, of one view. */
#include "mem/pool/pool_views.h"
#include "mem/pool/slot.h"

enum { RUN_MIN = 32, RUN_MAX = 4096, AHEAD = 8 };

typedef struct hub {
    fh_hub base;
    uint32_t letter; /* slots of a full one */
    uint32_t run;    /* fresh slots that a view takes at once, at least */
} hub;

typedef struct seat {
    fh_seat base;
    uint32_t fresh, fresh_end;
    uint32_t rest;                    /* as fast.head */
    uint32_t outbox[FH_VIEWS_MAX];    /* blocks; 0 = none */
    _Alignas(64) uint64_t inbox;      /* stack of blocks, taken whole */
    uint32_t hungry;                  /* 1 after it found no slot */
} seat;

static hub *hub_of(const fh_pool_core *core) {
    return core->own;
}
static seat *seat_of(const fh_pool *view) {
    return view->own;
}

uint64_t *fh_pool_inbox(fh_pool *view) {
    return &seat_of(view)->inbox;
}

static uint32_t label_at(const uint8_t *labels, uint32_t index) {
    FH_UNSAFE("pool-owner");
    return (uint8_t)fh_load(&labels[index], FH_RELAXED);
}
static uint32_t owner_of(const fh_pool_core *core, uint32_t index) {
    return label_at(hub_of(core)->base.labels, index);
}
static void set_owner(const fh_pool_core *core, uint32_t index, uint32_t number) {
    FH_UNSAFE("pool-owner");
    fh_store(&hub_of(core)->base.labels[index], (uint8_t)number, FH_RELAXED);
}

/* --- lists -------------------------------------------------------------------------------------------------------- */

static uint32_t pop(fh_pool_core *core, uint32_t *head) {
    uint32_t index = *head & FH_WORD_INDEX;
    *head = fh_word_low(fh_load(fh_pool_word(core, index), FH_RELAXED));
    return index;
}

static void push(fh_pool_core *core, uint32_t *head, uint32_t index, uint32_t generation) {
    fh_store(fh_pool_word(core, index), fh_word(generation, *head), FH_RELEASE);
    *head = FH_WORD_FREE | index;
}

/* A slot whose life is over, with its word, goes to a list of its owner's. */
FH_ALWAYS_INLINE void keep_on(const fh_pool_core *core, uint32_t *head, uint64_t *at, uint32_t index, uint32_t generation) {
    bool is_worn = fh_pool_is_worn(core, generation);
    fh_store(at, fh_word(generation, FH_UNLIKELY(is_worn) ? FH_POOL_NO_SLOT : *head), FH_RELEASE);
    if (FH_LIKELY(!is_worn))
        *head = FH_WORD_FREE | index;
}

static void keep(fh_pool *view, uint32_t index, uint32_t generation) {
    FH_WRITES(&view->fast.head, sizeof view->fast.head);
    keep_on(view->core, &view->fast.head, fh_pool_word(view->core, index), index, generation);
}

/* --- letters ------------------------------------------------------------------------------------------------------ */

/* The open letter to a view, which has room. NULL: no memory. */
static fh_block *open_letter(fh_pool *view, uint32_t to, bool may_make) {
    seat *s = seat_of(view);
    FH_UNSAFE("pool-letters");
    FH_WRITES(&s->outbox[to], sizeof s->outbox[to]);
    if (FH_UNLIKELY(s->outbox[to] == 0))
        s->outbox[to] = fh_hub_block_get(view->core, may_make);
    return s->outbox[to] == 0 ? NULL : fh_block_at(fh_hub_of(view->core)->blocks, s->outbox[to]);
}

static void send_letter(fh_pool *view, uint32_t to) {
    seat *s = seat_of(view);
    hub *h = hub_of(view->core);
    FH_UNSAFE("pool-letters");
    uint32_t letter = s->outbox[to];
    s->outbox[to] = 0;
    fh_stack_push(&seat_of(h->base.views[to])->inbox, h->base.blocks, letter);
}

/* Adds a marked slot to the open letter; true if that is to be sent now. */
FH_ALWAYS_INLINE bool add_to_letter(const hub *h, uint32_t to, fh_block *letter, uint32_t index) {
    FH_UNSAFE("pool-letters");
    uint32_t count = fh_block_add(letter, index);
    return FH_UNLIKELY(count >= h->letter || fh_load(&seat_of(h->base.views[to])->hungry, FH_RELAXED) != 0);
}

/* Writes a marked slot into the open letter. */
static void write_letter(fh_pool *view, uint32_t to, fh_block *letter, uint32_t index) {
    if (add_to_letter(hub_of(view->core), to, letter, index))
        send_letter(view, to);
}

static void send_all(fh_pool *view) {
    seat *s = seat_of(view);
    hub *h = hub_of(view->core);
    uint32_t count = fh_load(&h->base.view_count, FH_ACQUIRE);
    FH_UNSAFE("pool-letters");
    for (uint32_t to = 0; to < count; to++)
        if (s->outbox[to] != 0 && fh_block_at(h->base.blocks, s->outbox[to])->count != 0)
            send_letter(view, to);
}

/* Passes a slot on that belongs to another view by now. False: there is no block to do it in. */
static bool pass_on(fh_pool *view, uint32_t owner, uint32_t index, bool may_make) {
    fh_block *letter = open_letter(view, owner, may_make);
    if (letter != NULL)
        write_letter(view, owner, letter, index);
    return letter != NULL;
}

/* Reads a letter; returns how many of its slots are left in it, for another time. What never changes is in locals: after each
 * load that acquires, it would be loaded again. */
static uint32_t read_letter(fh_pool *view, fh_block *letter, bool may_make) {
    fh_pool_core *core = view->core;
    const uint8_t *labels = hub_of(core)->base.labels;
    const bool is_watched = core->is_watched;
    uint32_t me = seat_of(view)->base.number, count = letter->count, left = 0, head = view->fast.head;
    FH_UNSAFE("pool-letters");
    FH_READS(letter->slots, count * sizeof letter->slots[0]);
    FH_WRITES(&view->fast.head, sizeof view->fast.head);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = letter->slots[i], generation;
        if (i + AHEAD < count)
            __builtin_prefetch(fh_pool_word(core, letter->slots[i + AHEAD]), 1);
        letter->slots[i] = 0;
        uint32_t owner = label_at(labels, index);
        uint64_t *at = fh_pool_word(core, index);
        if (FH_UNLIKELY(owner != me)) {
            if (!pass_on(view, owner, index, may_make))
                letter->slots[left++] = index;
        } else if (FH_LIKELY(fh_slot_take_in(at, &generation))) {
            if (FH_UNLIKELY(is_watched))
                fh_pool_hide(core, fh_pool_at(core, index));
            keep_on(core, &head, at, index, generation + 1);
        } else {
            FH_POOL_COUNT(view->counts.double_frees);
        }
    }
    view->fast.head = head;
    return left;
}

/* Reads all letters of a view: the caller's own, or an idle one with the lock held (then it may not make blocks). */
static void drain(fh_pool *view, bool may_make) {
    fh_hub *h = fh_hub_of(view->core);
    uint64_t *inbox = &seat_of(view)->inbox;
    FH_UNSAFE("pool-letters");
    for (uint32_t letter = fh_stack_take(inbox), next; letter != 0; letter = next) {
        fh_block *block = fh_block_at(h->blocks, letter);
        next = fh_load(&block->next, FH_RELAXED);
        block->count = read_letter(view, block, may_make);
        if (block->count != 0)
            fh_stack_push(inbox, h->blocks, letter); /* for another time */
        else
            fh_hub_block_put(h, letter);
    }
}

/* --- taking ------------------------------------------------------------------------------------------------------- */

/* Reads the letters of an idle view; the lock is held. */
static void tidy_up(fh_pool *idle) {
    drain(idle, false);
    send_all(idle);
}

/* Takes over what an idle view has; the lock is held. */
static void inherit(fh_pool *view, fh_pool *from) {
    fh_pool_core *core = view->core;
    seat *mine = seat_of(view), *s = seat_of(from);
    uint32_t *lists[] = {&from->fast.head, &s->rest}, *to[] = {&view->fast.head, &mine->rest};
    FH_UNSAFE("pool-owner");
    FH_WRITES(&from->fast.head, sizeof from->fast.head);
    for (int k = 0; k < 2; k++) {
        while (*lists[k] != FH_POOL_NO_SLOT) {
            uint32_t index = pop(core, lists[k]);
            set_owner(core, index, mine->base.number);
            push(core, to[k], index, fh_word_generation(fh_load(fh_pool_word(core, index), FH_RELAXED)));
        }
    }
    from->fast.release_limit = 0;
    mine->fresh = s->fresh;
    mine->fresh_end = s->fresh_end;
    s->fresh = s->fresh_end = 0;
}

/* The view has no slot left, neither free nor fresh. */
static bool has_none(const fh_pool *view) {
    const seat *s = seat_of(view);
    return view->fast.head == FH_POOL_NO_SLOT && s->rest == FH_POOL_NO_SLOT && s->fresh == s->fresh_end;
}

/* Reads the letters of idle views, and takes over what they have until the view has a slot (`and_inherit`). */
static void visit_idle(fh_pool *view, bool and_inherit) {
    fh_hub *h = fh_hub_of(view->core);
    if (fh_load(&h->idle_count, FH_ACQUIRE) == 0)
        return;
    fh_lock_take(&h->lock);
    FH_UNSAFE("pool-views");
    for (uint32_t i = 0; i < h->view_count && (!and_inherit || has_none(view)); i++) {
        if (!fh_seat_of(h->views[i])->is_idle)
            continue;
        tidy_up(h->views[i]);
        if (and_inherit)
            inherit(view, h->views[i]);
    }
    fh_lock_give(&h->lock);
}

/* Slots that nobody has had: a quarter of what the view has had so far, so that few ranges make up all it has. */
static fh_status take_run(fh_pool *view) {
    seat *s = seat_of(view);
    fh_pool_fast *f = &view->fast;
    uint32_t want = s->base.made / 4, most = view->core->config.max_capacity / 16, least = hub_of(view->core)->run;
    uint32_t first, count;
    most = most < RUN_MAX ? most : RUN_MAX;
    want = want < most ? want : most;
    FH_TRY(fh_hub_fresh(view->core, want > least ? want : least, &first, &count));
    s->fresh = first;
    s->fresh_end = first + count;
    if (s->fresh != f->release_first + f->release_limit && count > f->release_limit)
        f->release_limit = 0; /* the new range is the better one */
    return FH_DONE;
}

/* The slots whose releases are done inline: a range that the view owns whole. */
static void widen_range(fh_pool *view, uint32_t index) {
    fh_pool_fast *f = &view->fast;
    if ((view->roads & FH_POOL_ROAD_RANGE) == 0)
        return;
    if (f->release_limit == 0)
        f->release_first = index;
    if (index == f->release_first + f->release_limit)
        f->release_limit++;
}

/* One slot that was never in use, or whose hook failed before. */
static fh_status create(fh_pool *view, uint32_t *out) {
    fh_pool_core *core = view->core;
    seat *s = seat_of(view);
    bool is_fresh = s->rest == FH_POOL_NO_SLOT;
    uint32_t index = is_fresh ? s->fresh++ : pop(core, &s->rest);
    set_owner(core, index, s->base.number);
    fh_status status = fh_pool_slot_create(view, index);
    if (fh_failed(status)) {
        push(core, &s->rest, index, core->seed + FH_AGE_UNMADE);
        return status;
    }
    fh_store(&s->base.made, s->base.made + 1, FH_RELAXED);
    if (is_fresh)
        widen_range(view, index);
    *out = index;
    return FH_DONE;
}

static fh_status shared_take(fh_pool *view, uint32_t *out) {
    fh_pool_core *core = view->core;
    seat *s = seat_of(view);
    fh_status status = FH_DONE;
    FH_WRITES(&view->fast.head, sizeof view->fast.head);
    for (int round = 0; round < 2; round++) {
        if (view->fast.head == FH_POOL_NO_SLOT)
            drain(view, true);
        if (has_none(view))
            visit_idle(view, true);
        status = has_none(view) ? take_run(view) : FH_DONE;
        if (!fh_failed(status))
            break;
        fh_store(&s->hungry, 1, FH_RELAXED); /* and looks once more: a letter may have come in between */
    }
    if (fh_failed(status))
        return status;
    if (fh_load(&s->hungry, FH_RELAXED) != 0)
        fh_store(&s->hungry, 0, FH_RELAXED);
    if (view->fast.head == FH_POOL_NO_SLOT)
        return create(view, out);
    *out = pop(core, &view->fast.head);
    return FH_DONE;
}

/* --- ends of lives ------------------------------------------------------------------------------------------------ */

/* Of a slot that the caller has claimed, or taken and not used. Another view's slot comes here after a hook, or at a reset. */
static fh_status shared_put(fh_pool *view, uint32_t index, uint32_t generation) {
    fh_pool_core *core = view->core;
    fh_hub *h = fh_hub_of(core);
    uint32_t owner = owner_of(core, index), me = seat_of(view)->base.number;
    if (owner != me) {
        fh_lock_take(&h->lock);
        FH_UNSAFE("pool-views");
        bool is_idle = fh_seat_of(h->views[owner])->is_idle;
        if (is_idle) {
            h->views[owner]->fast.release_limit = 0;
            set_owner(core, index, me);
        }
        fh_lock_give(&h->lock);
        fh_block *letter = is_idle ? NULL : open_letter(view, owner, true);
        if (letter != NULL) {
            fh_store(fh_pool_word(core, index), fh_word(generation - 1, FH_BORROW_AWAITS_OWNER), FH_RELEASE);
            write_letter(view, owner, letter, index);
            return FH_DONE;
        }
        set_owner(core, index, me); /* there is a hook, so no view relies on its label for more than where letters go */
    }
    keep(view, index, generation);
    return FH_DONE;
}

static fh_status shared_swap(fh_pool *view, uint32_t index, uint64_t from, uint64_t to) {
    if (owner_of(view->core, index) != seat_of(view)->base.number)
        return FH_STATUS(FH_WRONG_THREAD);
    return FH_STATUS(fh_cas(fh_pool_word(view->core, index), &from, to, FH_ACQ_REL) ? FH_OK : FH_AGAIN);
}

static fh_status shared_send(fh_pool *view, fh_handle h, uint64_t word) {
    fh_pool_core *core = view->core;
    uint32_t index = fh_handle_index(h), owner = owner_of(core, index);
    uint64_t *at = fh_pool_word(core, index);
    bool has_hook = (core->config.eager ? core->config.reset : core->config.fini) != NULL;
    if (has_hook) {
        if (!fh_cas(at, &word, word | FH_BORROW_HOOK, FH_ACQ_REL))
            return FH_STATUS(FH_AGAIN);
        FH_POOL_COUNT(view->counts.remote_frees);
        return fh_pool_end_life(view, index, fh_handle_generation(h));
    }
    fh_block *letter = open_letter(view, owner, true);
    if (letter == NULL)
        return FH_STATUS(FH_NOMEM);
    if (!fh_slot_mark(at, word))
        return FH_STATUS(FH_AGAIN);
    FH_POOL_COUNT(view->counts.remote_frees);
    write_letter(view, owner, letter, index);
    return FH_DONE;
}

/* The end of a release whose slot is the letter's last one. */
FH_ATTR(noinline) static fh_pool_found send_found(fh_pool *view, uint32_t to, uint8_t *slot) {
    send_letter(view, to);
    return (fh_pool_found){slot, {FH_OK}};
}

/* A release that only has to put the slot away, or to add it to a letter that is open. All calls are at the end, so that hardly
 * a register is saved: that was a fifth of its instructions. */
static fh_pool_found shared_use(fh_pool *view, fh_handle handle, fh_pool_op op) {
    fh_pool_core *core = view->core;
    const hub *h = hub_of(core);
    seat *s = seat_of(view);
    uint32_t index = fh_handle_index(handle), generation = fh_handle_generation(handle);
    uint64_t *at = fh_pool_word(core, index), life = handle.value - index;
    if (!fh_hub_is_short(view, handle, op) || fh_load(at, FH_ACQUIRE) != life)
        return fh_pool_use_long(view, handle, op);
    uint32_t owner = label_at(h->base.labels, index);
    uint8_t *slot = fh_pool_at(core, index);
    if (owner == s->base.number) {
        keep(view, index, generation + 1);
        return (fh_pool_found){slot, {FH_OK}};
    }
    FH_UNSAFE("pool-letters");
    uint32_t open = s->outbox[owner];
    if (FH_UNLIKELY(open == 0 || !fh_slot_mark(at, life)))
        return fh_pool_use_long(view, handle, op);
    fh_own_line(slot);
    FH_POOL_COUNT(view->counts.remote_frees);
    if (add_to_letter(h, owner, fh_block_at(h->base.blocks, open), index))
        return send_found(view, owner, slot);
    return (fh_pool_found){slot, {FH_OK}};
}

static fh_status shared_reap(fh_pool *view) {
    drain(view, true);
    send_all(view);
    visit_idle(view, false);
    return FH_DONE;
}

/* --- numbers, checks ---------------------------------------------------------------------------------------------- */

static void shared_stats(const fh_pool *first, fh_pool_stats *stats) {
    fh_hub_stats(first, stats);
}

static fh_status check_list(fh_pool_checking *c, uint32_t head, uint32_t number, const char *name) {
    while (head != FH_POOL_NO_SLOT) {
        uint32_t index = head & FH_WORD_INDEX;
        FH_TRY(fh_pool_check_free(c, index, name));
        if (owner_of(c->core, index) != number)
            return fh_fail(c->err, FH_CORRUPT, FH_NO_OFFSET, "pool: slot %u is on a list of view %u, but view %u owns it",
                           index, number, owner_of(c->core, index));
        head = fh_word_low(fh_load(fh_pool_word(c->core, index), FH_RELAXED));
    }
    return FH_DONE;
}

static uint64_t letters_of(const fh_pool_core *core, const seat *s) {
    const fh_hub *h = fh_hub_of(core);
    uint64_t slots = 0;
    FH_UNSAFE("pool-letters");
    for (uint32_t n = fh_stack_first(s->inbox); n != 0; n = h->blocks[n].next)
        slots += h->blocks[n].count;
    for (uint32_t to = 0; to < h->view_count; to++)
        slots += s->outbox[to] == 0 ? 0 : h->blocks[s->outbox[to]].count;
    return slots;
}

static fh_status shared_check(const fh_pool *first, fh_pool_checking *c) {
    const fh_pool_core *core = first->core;
    const fh_hub *h = fh_hub_of(core);
    uint64_t letters = 0, marked = 0;
    FH_UNSAFE("pool-views");
    for (uint32_t v = 0; v < h->view_count; v++) {
        const fh_pool *view = h->views[v];
        const seat *s = seat_of(view);
        FH_TRY(check_list(c, view->fast.head, v, "the list of a view"));
        FH_TRY(check_list(c, s->rest, v, "the rest of a view"));
        for (uint32_t i = s->fresh; i < s->fresh_end && i < core->used; i++)
            FH_TRY(fh_pool_check_free(c, i, "the fresh ones of a view"));
        for (uint32_t i = 0; i < view->fast.release_limit; i++)
            if (owner_of(core, view->fast.release_first + i) != v)
                return fh_fail(c->err, FH_CORRUPT, FH_NO_OFFSET, "pool: slot %u is in the range of view %u, but not its own",
                               view->fast.release_first + i, v);
        letters += letters_of(core, s);
    }
    for (uint32_t i = 0; i < core->used; i++) {
        uint64_t word = fh_load(fh_pool_word(core, i), FH_RELAXED);
        marked += fh_word_live(word) && fh_word_low(word) == FH_BORROW_AWAITS_OWNER;
        if (!fh_word_live(word) && fh_pool_is_made(core, word) && fh_pool_is_worn(core, fh_word_generation(word)))
            FH_TRY(fh_pool_check_free(c, i, "the retired"));
    }
    if (letters < marked)
        return fh_fail(c->err, FH_CORRUPT, FH_NO_OFFSET, "pool: %llu slots are marked, but only %llu are in letters",
                       (unsigned long long)marked, (unsigned long long)letters);
    return FH_DONE;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void new_seat(fh_pool *view) {
    seat_of(view)->rest = FH_POOL_NO_SLOT;
}

static fh_status shared_open(fh_pool *first) {
    static const fh_hub_kind kind = {sizeof(hub), sizeof(seat), true, new_seat, send_all};
    FH_TRY(fh_hub_open(first, &kind));
    hub *h = hub_of(first->core);
    uint32_t share = first->core->config.max_capacity / 16;
    h->letter = share == 0 ? 1 : share < FH_BLOCK_SLOTS ? share : FH_BLOCK_SLOTS;
    h->run = share == 0 ? 1 : share < RUN_MIN ? share : RUN_MIN;
    return FH_DONE;
}

const fh_pool_policy fh_pool_shared = {
    .name = "single-writer",
    .roads = FH_POOL_ROAD_LOOKUP | FH_POOL_ROAD_ALLOC | FH_POOL_ROAD_RANGE,
    .open = shared_open,
    .close = fh_hub_close,
    .use = shared_use,
    .take = shared_take,
    .put = shared_put,
    .swap = shared_swap,
    .send = shared_send,
    .reap = shared_reap,
    .stats = shared_stats,
    .check = shared_check,
    .attach = fh_hub_attach,
    .detach = fh_hub_detach,
    .is_alone = fh_hub_is_alone,
};
