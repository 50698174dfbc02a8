/* pool_views.c: views of a pool that many threads use, and what they have in common.
 *
 * A view belongs to one thread, which detaches it, or whose end does (os.h, fh_os_exit). Its struct stays: lists, letters and
 * counters are simply there when the next thread attaches. So nothing has to be moved when a thread comes or goes, and a
 * letter to a view that is idle waits in its inbox. Threads that come and go one after another share one view.
 *
 * Lock order: the lock of thread exits (os), then the lock of the hub. fh_os_exit_add and _remove are never called with the
 * hub's lock held.
 *
 * Invariants: pool_views.h. */
#include "mem/pool/pool_views.h"

#include "freehold/checked.h"

/* Commits so much of the blocks at a time. */
enum { BLOCKS_STEP_BYTES = 16384 };

static size_t page_up(size_t bytes) {
    size_t page = fh_os_page_bytes();
    return (bytes + page - 1) & ~(page - 1);
}

/* Makes the first `bytes` of a reservation usable. */
static fh_status extend(fh_allocator *a, void *part, size_t *committed, size_t bytes) {
    size_t wanted = page_up(bytes);
    if (wanted <= *committed)
        return FH_DONE;
    FH_UNSAFE("pool-blocks");
    FH_TRY(fh_pages_commit(a, (uint8_t *)part + *committed, wanted - *committed));
    fh_store(committed, wanted, FH_RELAXED);
    return FH_DONE;
}

/* --- making and ending -------------------------------------------------------------------------------------------- */

static fh_seat *seat_new(fh_pool *view, fh_hub *hub);

fh_status fh_hub_open(fh_pool *first, const fh_hub_kind *kind) {
    fh_pool_core *core = first->core;
    fh_hub *hub = fh_alloc(core->allocator, 1, kind->hub_bytes);
    if (hub == NULL)
        return FH_STATUS(FH_NOMEM);
    core->own = hub;
    hub->kind = kind;
    hub->is_plain = (core->config.eager ? core->config.reset : core->config.fini) == NULL && !core->is_watched;
    uint64_t blocks_max = (uint64_t)core->slots_max + FH_VIEWS_MAX * FH_VIEWS_MAX;
    hub->blocks_max = blocks_max < FH_BLOCKS_MAX ? (uint32_t)blocks_max : FH_BLOCKS_MAX;
    hub->blocks_bytes = page_up(((size_t)hub->blocks_max + 1) * sizeof(fh_block));
    hub->labels_bytes = kind->has_labels ? page_up(core->slots_max) : 0;
    void *blocks = NULL, *labels = NULL;
    fh_status s = fh_pages_reserve(core->allocator, hub->blocks_bytes, &blocks);
    if (!fh_failed(s) && kind->has_labels)
        s = fh_pages_reserve(core->allocator, hub->labels_bytes, &labels);
    hub->blocks = blocks;
    hub->labels = labels;
    fh_seat *seat = fh_failed(s) ? NULL : seat_new(first, hub);
    if (seat != NULL && !fh_failed(fh_os_exit_add(&seat->exit)))
        return FH_DONE;
    if (seat != NULL)
        fh_free(core->allocator, seat);
    fh_pages_release(core->allocator, blocks, hub->blocks_bytes);
    fh_pages_release(core->allocator, labels, hub->labels_bytes);
    fh_free(core->allocator, hub);
    return FH_STATUS(FH_NOMEM);
}

void fh_hub_close(fh_pool *first) {
    fh_pool_core *core = first->core;
    fh_hub *hub = core->own;
    for (uint32_t i = hub->view_count; i > 0; i--) {
        fh_pool *view = hub->views[i - 1];
        fh_os_exit_remove(&fh_seat_of(view)->exit);
        fh_free(core->allocator, view->own);
        if (view != first)
            fh_free(core->allocator, view);
    }
    fh_pages_release(core->allocator, hub->labels, hub->labels_bytes);
    fh_pages_release(core->allocator, hub->blocks, hub->blocks_bytes);
    fh_free(core->allocator, hub);
}

/* --- coming and going --------------------------------------------------------------------------------------------- */

/* Makes a view idle. By its own thread. */
static void retire(fh_pool *view) {
    fh_hub *hub = view->core->own;
    hub->kind->leave(view);
    fh_lock_take(&hub->lock);
    fh_store(&view->fast.thread, 0, FH_RELAXED);
    fh_store(&view->fast.alloc_thread, 0, FH_RELAXED);
    fh_store(&view->owner, FH_POOL_NOBODY, FH_RELAXED);
    fh_seat_of(view)->is_idle = true;
    fh_store(&hub->idle_count, hub->idle_count + 1, FH_RELEASE);
    fh_lock_give(&hub->lock);
}

static void thread_ends(fh_os_exit *e) {
    FH_UNSAFE("pool-views");
    fh_pool *view = ((fh_seat *)e)->view;
    if (fh_load(&view->owner, FH_RELAXED) == fh_thread_self())
        retire(view);
}

static fh_seat *seat_new(fh_pool *view, fh_hub *hub) {
    fh_seat *seat = fh_alloc(view->core->allocator, 1, hub->kind->seat_bytes);
    if (seat == NULL)
        return NULL;
    seat->exit.fn = thread_ends;
    seat->view = view;
    view->own = seat;
    hub->kind->begin(view);
    fh_lock_take(&hub->lock);
    bool has_room = hub->view_count < FH_VIEWS_MAX;
    if (has_room) {
        seat->number = hub->view_count;
        hub->views[hub->view_count] = view;
        fh_store(&hub->view_count, hub->view_count + 1, FH_RELEASE);
    }
    fh_lock_give(&hub->lock);
    if (!has_room)
        fh_free(view->core->allocator, seat);
    return has_room ? seat : NULL;
}

/* The first idle view, for the calling thread; NULL if there is none. */
static fh_pool *adopt_idle(fh_hub *hub) {
    fh_pool *found = NULL;
    fh_lock_take(&hub->lock);
    for (uint32_t i = 0; i < hub->view_count && hub->idle_count > 0 && found == NULL; i++) {
        fh_seat *seat = fh_seat_of(hub->views[i]);
        if (!seat->is_idle)
            continue;
        found = seat->view;
        seat->is_idle = false;
        fh_store(&hub->idle_count, hub->idle_count - 1, FH_RELEASE);
        fh_store(&found->owner, fh_thread_self(), FH_RELAXED);
    }
    fh_lock_give(&hub->lock);
    return found;
}

/* Another view. NULL: no memory, or too many. */
static fh_pool *make_view(fh_pool *first) {
    fh_allocator *a = first->core->allocator;
    fh_pool *view = fh_alloc(a, 1, sizeof *view);
    if (view == NULL)
        return NULL;
    fh_pool_view_init(view, first->core);
    if (seat_new(view, first->core->own) != NULL)
        return view;
    fh_free(a, view);
    return NULL;
}

fh_status fh_hub_attach(fh_pool *first, fh_pool **out_view) {
    fh_hub *hub = first->core->own;
    *out_view = NULL;
    fh_pool *view = adopt_idle(hub);
    if (view == NULL && fh_load(&hub->view_count, FH_ACQUIRE) == FH_VIEWS_MAX)
        return FH_STATUS(FH_LIMIT);
    if (view == NULL)
        view = make_view(first);
    if (view == NULL)
        return FH_STATUS(FH_NOMEM);
    if (fh_failed(fh_os_exit_add(&fh_seat_of(view)->exit))) {
        retire(view);
        return FH_STATUS(FH_NOMEM);
    }
    *out_view = view;
    return fh_pool_enter(view);
}

fh_status fh_hub_detach(fh_pool *view) {
    fh_os_exit_remove(&fh_seat_of(view)->exit);
    retire(view);
    return FH_DONE;
}

bool fh_hub_is_alone(const fh_pool *first) {
    fh_hub *hub = first->core->own;
    fh_lock_take(&hub->lock);
    uint32_t others = hub->view_count - hub->idle_count - !fh_seat_of(first)->is_idle;
    fh_lock_give(&hub->lock);
    return others == 0;
}

void fh_hub_stats(const fh_pool *first, fh_pool_stats *stats) {
    const fh_hub *hub = first->core->own;
    uint32_t count = fh_load(&hub->view_count, FH_ACQUIRE);
    for (uint32_t i = 0; i < count; i++) {
        const fh_pool_counts *c = &hub->views[i]->counts;
        stats->peak += fh_load(&fh_seat_of(hub->views[i])->made, FH_RELAXED);
        if (hub->views[i] == first)
            continue;
        stats->failures += fh_load(&c->failures, FH_RELAXED);
        stats->stale_uses += fh_load(&c->stale_uses, FH_RELAXED);
        stats->double_frees += fh_load(&c->double_frees, FH_RELAXED);
        stats->wrong_pools += fh_load(&c->wrong_pools, FH_RELAXED);
        stats->borrow_conflicts += fh_load(&c->borrow_conflicts, FH_RELAXED);
        stats->overwritten += fh_load(&c->overwritten, FH_RELAXED);
        stats->remote_frees += fh_load(&c->remote_frees, FH_RELAXED);
    }
    stats->committed_bytes += fh_load(&hub->blocks_committed, FH_RELAXED) + fh_load(&hub->labels_committed, FH_RELAXED);
    stats->reserved_bytes += hub->blocks_bytes + hub->labels_bytes;
}

/* --- slots and blocks --------------------------------------------------------------------------------------------- */

/* With the lock held. */
static fh_status grow(fh_pool_core *core, fh_hub *hub) {
    uint32_t capacity = core->capacity;
    if (hub->fresh == core->slots) {
        capacity = fh_pool_next_capacity(core);
        if (capacity == core->capacity)
            return FH_STATUS(FH_EXHAUSTED);
    }
    if (hub->labels != NULL)
        FH_TRY(extend(core->allocator, hub->labels, &hub->labels_committed, capacity));
    return capacity == core->capacity ? FH_DONE : fh_pool_commit(core, capacity);
}

fh_status fh_hub_fresh(fh_pool_core *core, uint32_t want, uint32_t *out, uint32_t *out_count) {
    fh_hub *hub = core->own;
    fh_lock_take(&hub->lock);
    fh_status s = grow(core, hub);
    uint32_t left = fh_failed(s) ? 0 : core->slots - hub->fresh;
    *out = hub->fresh;
    *out_count = left < want ? left : want;
    /* No word below core->used may be 0: it would pass for a slot of generation 0. */
    for (uint32_t i = 0; i < *out_count; i++)
        fh_store(fh_pool_word(core, *out + i), fh_word(core->seed + FH_AGE_UNMADE, FH_POOL_NO_SLOT), FH_RELAXED);
    hub->fresh += *out_count;
    fh_lock_give(&hub->lock);
    return s;
}

uint32_t fh_hub_block_get(fh_pool_core *core, bool may_make) {
    fh_hub *hub = core->own;
    uint32_t number = fh_stack_pop(&hub->empty, hub->blocks);
    if (number == 0 && may_make) {
        fh_lock_take(&hub->lock);
        size_t bytes = ((size_t)hub->blocks_made + 2) * sizeof(fh_block);
        if (bytes > hub->blocks_committed)
            bytes += BLOCKS_STEP_BYTES;
        bytes = bytes < hub->blocks_bytes ? bytes : hub->blocks_bytes;
        if (hub->blocks_made < hub->blocks_max &&
            !fh_failed(extend(core->allocator, hub->blocks, &hub->blocks_committed, bytes)))
            number = ++hub->blocks_made;
        fh_lock_give(&hub->lock);
    }
    FH_UNSAFE("depot-block");
    if (number != 0)
        hub->blocks[number].count = 0;
    return number;
}
