/* pool.c: what every pool does, whatever its policy: lives of slots, uses of handles, hooks, refusals.
 *
 * A handle is checked by one subtraction: the slot's word less the handle's generation is below 2^32 exactly if the slot is
 * in the handle's life, and then it is the borrow word. Everything else is a refusal; which one, the ages tell (age =
 * generation − seed):
 *
 *     handle's age < slot's age             FH_STALE; at release FH_DOUBLE_FREE if the slot is free and that was its last life
 *     handle's age > slot's age, or even    FH_WRONG_POOL: this pool never made such a handle
 *     the same age                          FH_BORROWED
 *
 * Seeds of successive pools are multiples of 2^32 / golden ratio, which keep away from each other as evenly as any sequence
 * can: no two of 1,000 pools have seeds nearer than 10^6. So the handle of one pool looks like one of another only when a slot
 * has had nearly a million lives, and even then it is refused as stale unless the very ages meet.
 *
 * Hooks run with the slot's word at HOOK and out of every list, so they may use the pool: whatever they do, nobody else can
 * get at their slot, and the loops below read the pool's state anew after each hook.
 *
 * Invariants: pool_core.h. Threading: see the policies; the number of pools made and the hardening switch are atomic. */
#include <string.h>

#include "freehold/checked.h"
#include "mem/pool/pool_core.h"

/* With max_capacity 0 a growing pool reserves this much. */
#define RESERVED_BYTES_DEFAULT (UINT64_C(1) << 34)
#define ALIGN_BYTES_MAX (UINT64_C(1) << 30)

static uint32_t pools_made;

static const fh_pool_policy *const policies[] = {
    [FH_POOL_CONFINED] = &fh_pool_local,
    [FH_POOL_SERIAL] = &fh_pool_local,
    [FH_POOL_SHARED] = &fh_pool_shared,
    [FH_POOL_SHARED_BORROW] = &fh_pool_shared_borrow,
};

static const fh_pool_policy *policy_of(const fh_pool_config *c) {
    if (!c->hardened || FH_MEM_CHUNKED)
        return policies[c->threads];
    return c->threads == FH_POOL_SHARED_BORROW ? &fh_pool_hardened_borrow : &fh_pool_hardened;
}

/* --- configuration -------------------------------------------------------------------------------------------------- */

static bool is_power_of_two(uint64_t n) {
    return n != 0 && (n & (n - 1)) == 0;
}

/* Fills in what follows from growth; false if it contradicts itself. */
static bool complete_growth(fh_pool_config *c, uint64_t stride) {
    fh_growth *g = &c->growth;
    if (g->kind == FH_GROW_LINEAR && g->slots == 0)
        g->slots = c->capacity;
    if (g->kind == FH_GROW_EXPONENTIAL && g->percent == 0)
        g->percent = 200;
    if (g->kind == FH_GROW_NONE && c->max_capacity == 0)
        c->max_capacity = c->capacity;
    if (c->max_capacity == 0) {
        uint64_t most = RESERVED_BYTES_DEFAULT / stride;
        most = most < FH_POOL_SLOTS_MAX ? most : FH_POOL_SLOTS_MAX;
        c->max_capacity = most > c->capacity ? (uint32_t)most : c->capacity;
    }
    return g->kind <= FH_GROW_CUSTOM && c->max_capacity >= c->capacity &&
           (g->kind != FH_GROW_NONE || c->max_capacity == c->capacity) &&
           (g->kind != FH_GROW_EXPONENTIAL || g->percent > 100) && (g->kind == FH_GROW_CUSTOM) == (g->next != NULL);
}

/* Checks a configuration and fills in its defaults. */
static fh_status complete(fh_pool_config *c, uint64_t *out_stride) {
    c->natural_align_bytes = c->natural_align_bytes == 0 ? 16 : c->natural_align_bytes;
    c->align_bytes = c->align_bytes == 0 ? c->natural_align_bytes : c->align_bytes;
    c->name = c->name == NULL ? "pool" : c->name;
    c->hardened = c->hardened || fh_pool_harden_default();
    *out_stride = 0;
    if (c->size_bytes == 0 || c->capacity == 0 || !is_power_of_two(c->natural_align_bytes) ||
        !is_power_of_two(c->align_bytes) || c->align_bytes < c->natural_align_bytes || (c->reset != NULL && !c->eager) ||
        c->threads > FH_POOL_SHARED_BORROW)
        return FH_STATUS(FH_INVALID);
    if (c->capacity > FH_POOL_SLOTS_MAX || c->max_capacity > FH_POOL_SLOTS_MAX || c->align_bytes > ALIGN_BYTES_MAX)
        return FH_STATUS(FH_LIMIT);
    const fh_pool_policy *policy = policy_of(c);
    if (policy == NULL)
        return FH_STATUS(FH_UNSUPPORTED);
    uint64_t align = policy->slack_bytes != 0 && c->align_bytes < 8 ? 8 : c->align_bytes;
    if (c->size_bytes > SIZE_MAX / 4 || !fh_align_up_u64(c->size_bytes + policy->slack_bytes, align, out_stride))
        return FH_STATUS(FH_NOMEM);
    return FH_STATUS(complete_growth(c, *out_stride) ? FH_OK : FH_INVALID);
}

/* --- life of a pool ------------------------------------------------------------------------------------------------- */

void fh_pool_view_init(fh_pool *view, fh_pool_core *core) {
    const fh_pool_config *c = &core->config;
    uint64_t self = fh_thread_self();
    view->core = core;
    view->owner = c->threads == FH_POOL_SERIAL ? 0 : self;
    view->alloc = core->policy->alloc != NULL ? core->policy->alloc : fh_pool_alloc_long;
    view->use = core->policy->use != NULL ? core->policy->use : fh_pool_use_long;
    view->roads = core->policy->roads;
    if ((!c->eager && c->init != NULL) || FH_MEM_CHUNKED || core->is_watched) /* chunks: the head may lie in a later one */
        view->roads &= ~(unsigned)FH_POOL_ROAD_ALLOC;
    if ((c->eager ? c->reset : c->fini) != NULL || core->is_watched)
        view->roads &= ~(unsigned)(FH_POOL_ROAD_RELEASE | FH_POOL_ROAD_RANGE);
    fh_pool_fast *f = &view->fast;
    f->words = fh_pool_word(core, 0);
    f->base = fh_pool_at(core, 0);
    f->stride = core->stride;
    f->size = c->size_bytes;
    f->head = FH_POOL_NO_SLOT;
    f->last = core->seed + core->age_end - 1;
}

static fh_pool *make(fh_allocator *a, const fh_pool_config *config, uint64_t stride, unsigned bits) {
    typedef struct both {
        fh_pool view;
        fh_pool_core core;
    } both;
    both *b = fh_alloc(a, 1, sizeof *b);
    if (b == NULL)
        return NULL;
    fh_pool_core *core = &b->core;
    core->allocator = a;
    core->config = *config;
    core->policy = policy_of(config);
    core->stride = stride;
    core->is_watched = FH_IS_WATCHED();
    uint32_t number = fh_fetch_add(&pools_made, 1, FH_RELAXED);
    core->seed = (number + 1) * UINT32_C(0x9e3779b9) & ~UINT32_C(1);
    core->age_end = (uint32_t)((UINT64_C(1) << bits) - 4);
    core->first = &b->view;
    b->view.core = core;
    return &b->view;
}

/* Ends what open has made; the policy is closed already, or never was open. */
static void dismantle(fh_pool *pool) {
    fh_pool_core *core = pool->core;
    fh_pool_region_close(core);
    fh_free(core->allocator, pool);
}

/* fini for every slot of an eager pool that was made. */
static void end_eager(fh_pool_core *core) {
    for (uint32_t i = 0; i < core->used && core->config.fini != NULL; i++) {
        uint64_t word = fh_load(fh_pool_word(core, i), FH_RELAXED);
        if (!fh_pool_is_made(core, word) || fh_word_low(word) == FH_WORD_OVERWRITTEN)
            continue; /* no hook looks at an object that somebody wrote over */
        fh_pool_show(core, fh_pool_at(core, i));
        uint32_t generation = fh_word_generation(word);
        fh_store(fh_pool_word(core, i), fh_word(generation + (generation & 1), FH_POOL_NO_SLOT), FH_RELAXED);
        fh_status s = core->config.fini(core->config.hook_ctx, fh_pool_at(core, i));
        (void)s;
    }
}

/* fini for what is still live in a lazy pool. */
static void end_lazy(fh_pool_core *core) {
    for (uint32_t i = 0; i < core->used; i++) {
        uint64_t word = fh_load(fh_pool_word(core, i), FH_RELAXED);
        if (!fh_word_live(word) || fh_word_low(word) == FH_BORROW_AWAITS_OWNER)
            continue;
        fh_store(fh_pool_word(core, i), fh_word(fh_word_generation(word), FH_BORROW_HOOK), FH_RELAXED);
        fh_status s = core->config.fini == NULL ? FH_DONE : core->config.fini(core->config.hook_ctx, fh_pool_at(core, i));
        (void)s;
        fh_store(fh_pool_word(core, i), fh_word(fh_word_generation(word) + 1, FH_POOL_NO_SLOT), FH_RELAXED);
    }
}

fh_status fh_pool_new_narrow(fh_allocator *a, const fh_pool_config *config, unsigned bits, fh_pool **out) {
    *out = NULL;
    fh_pool_config c = *config;
    uint64_t stride;
    FH_TRY(complete(&c, &stride));
    if (bits < 3 || bits > 32)
        return FH_STATUS(FH_INVALID);
    fh_pool *pool = make(a, &c, stride, bits);
    if (pool == NULL)
        return FH_STATUS(FH_NOMEM);
    fh_pool_core *core = pool->core;
    fh_status s = fh_pool_region_open(core);
    if (!fh_failed(s))
        s = fh_pool_commit(core, c.capacity);
    if (!fh_failed(s)) {
        fh_pool_view_init(pool, core);
        s = core->policy->open(pool);
        if (fh_failed(s) && c.eager)
            end_eager(core);
    }
    if (fh_failed(s)) {
        dismantle(pool);
        return s;
    }
    fh_ledger_enter(&core->listed, FH_MEMORY_POOL, fh_pool_fill_row, core);
    *out = pool;
    return FH_DONE;
}

fh_status fh_pool_new(fh_allocator *a, const fh_pool_config *config, fh_pool **out) {
    return fh_pool_new_narrow(a, config, 32, out);
}

void fh_pool_free(fh_pool *pool) {
    if (pool == NULL)
        return;
    fh_pool_core *core = pool->core;
    uint64_t nobody = FH_POOL_NOBODY;
    (void)fh_cas(&pool->owner, &nobody, fh_thread_self(), FH_ACQUIRE); /* the maker has detached, or its thread has ended */
    fh_status reaped = fh_pool_reap(pool); /* FH_OVERWRITTEN was told to the alarm */
    FH_ASSERT((!fh_failed(reaped) || reaped.code == FH_OVERWRITTEN) && pool == core->first);
    FH_ASSERT(core->policy->is_alone == NULL || core->policy->is_alone(pool));
    for (uint32_t i = 0; i < core->used; i++) {
        uint64_t word = fh_load(fh_pool_word(core, i), FH_ACQUIRE);
        FH_ASSERT(!fh_word_live(word) || fh_word_low(word) == 0 || fh_word_low(word) == FH_BORROW_AWAITS_OWNER ||
                  fh_word_low(word) - FH_BORROW_COUNTED <= FH_BORROW_SHARED_MAX); /* somebody still uses a slot */
    }
    fh_ledger_leave(&core->listed);
    core->ending = true;
    if (core->config.eager)
        end_eager(core);
    else
        end_lazy(core);
    core->policy->close(pool);
    dismantle(pool);
}

void fh_pool_adopt(fh_pool *pool) {
    uint64_t owner = fh_load(&pool->owner, FH_RELAXED);
    if (owner != 0 && owner != FH_POOL_NOBODY)
        fh_store(&pool->owner, fh_thread_self(), FH_RELAXED);
    fh_status s = fh_pool_enter(pool); /* closes the inline roads to the former user */
    (void)s;
}

/* Brings the inline limits up to date: every word below them has been written. (The zero word of a slot that was never in use
 * would pass for generation 0.) */
static void refresh(fh_pool *view) {
    fh_pool_fast *f = &view->fast;
    uint32_t slots = fh_load(&view->core->slots, FH_ACQUIRE), used = fh_load(&view->core->used, FH_ACQUIRE);
    slots = used < slots ? used : slots;
#if FH_MEM_CHUNKED
    slots = slots >> view->core->chunk_bits == 0 ? slots : UINT32_C(1) << view->core->chunk_bits;
#endif
    view->used = used;
    f->limit = (view->roads & FH_POOL_ROAD_LOOKUP) != 0 ? slots : 0;
    f->borrow_limit = (view->roads & FH_POOL_ROAD_BORROW) != 0 ? slots : 0;
    if ((view->roads & FH_POOL_ROAD_RANGE) == 0)
        f->release_limit = (view->roads & FH_POOL_ROAD_RELEASE) != 0 ? slots : 0;
}

fh_status fh_pool_enter(fh_pool *view) {
    uint64_t self = fh_thread_self(), owner = fh_load(&view->owner, FH_RELAXED);
    if (FH_UNLIKELY(owner != 0 && owner != self)) {
        fh_fetch_add(&view->core->wrong_threads, 1, FH_RELAXED);
        return FH_STATUS(FH_WRONG_THREAD);
    }
    if (FH_UNLIKELY(fh_load(&view->fast.thread, FH_RELAXED) != self)) {
        fh_store(&view->fast.thread, self, FH_RELAXED);
        uint64_t inlined = self + !view->core->config.eager;
        fh_store(&view->fast.alloc_thread, (view->roads & FH_POOL_ROAD_ALLOC) != 0 ? inlined : 0, FH_RELAXED);
    }
    if (FH_UNLIKELY(view->used != fh_load(&view->core->used, FH_RELAXED)))
        refresh(view);
    return FH_DONE;
}

/* --- lives of slots ------------------------------------------------------------------------------------------------- */

fh_status fh_pool_slot_create(fh_pool *view, uint32_t index) {
    fh_pool_core *core = view->core;
    fh_status s = FH_DONE;
    if (core->config.eager && core->config.init != NULL) {
        uint8_t *at = fh_pool_at(core, index);
        fh_pool_show(core, at);
        s = core->config.init(core->config.hook_ctx, at);
        fh_pool_hide(core, at);
    }
    uint32_t generation = core->seed + (fh_failed(s) ? FH_AGE_UNMADE : 0);
    fh_store(fh_pool_word(core, index), fh_word(generation, FH_POOL_NO_SLOT), FH_RELEASE);
    uint32_t used = fh_load(&core->used, FH_RELAXED);
    while (used <= index && !fh_cas(&core->used, &used, index + 1, FH_RELEASE)) {
    }
    return s;
}

/* Zeroes a slot that was taken and runs the init hook; word {g + 1, HOOK} from then on. On failure the slot is back. */
static fh_status prepare(fh_pool *view, uint32_t index) {
    const fh_pool_config *c = &view->core->config;
    uint8_t *at = fh_pool_at(view->core, index);
    uint64_t *word = fh_pool_word(view->core, index);
    uint32_t generation = fh_word_generation(fh_load(word, FH_RELAXED));
    fh_store(word, fh_word(generation + 1, FH_BORROW_HOOK), FH_RELAXED);
    fh_pool_show(view->core, at);
    if (c->eager)
        return FH_DONE;
    FH_UNSAFE("pool-slot");
    memset(at, 0, c->size_bytes);
    fh_status s = c->init == NULL ? FH_DONE : c->init(c->hook_ctx, at);
    if (FH_UNLIKELY(fh_failed(s))) {
        fh_pool_hide(view->core, at);
        fh_status kept = view->core->policy->put(view, index, generation);
        (void)kept;
    }
    return s;
}

/* Begins the life of a prepared slot. */
static fh_handle publish(fh_pool *view, uint32_t index) {
    uint64_t *word = fh_pool_word(view->core, index), live = fh_load(word, FH_RELAXED) & ~(uint64_t)UINT32_MAX;
    fh_store(word, live, FH_RELEASE);
    return (fh_handle){live | index};
}

static fh_status take_one(fh_pool *view, uint32_t *out) {
    if (view->core->ending)
        return FH_STATUS(FH_CANCELED);
    FH_TRY(view->core->policy->take(view, out));
    return prepare(view, *out);
}

fh_pool_found fh_pool_alloc_slow(fh_pool *pool, fh_handle *out) {
    FH_POOL_SITE(pool);
    return pool->alloc(pool, out);
}

fh_pool_found fh_pool_alloc_long(fh_pool *pool, fh_handle *out) {
    uint32_t index = 0;
    *out = (fh_handle){0};
    fh_status s = fh_pool_enter(pool);
    if (fh_failed(s))
        return (fh_pool_found){NULL, s};
    s = take_one(pool, &index);
    if (fh_failed(s)) {
        FH_POOL_COUNT(pool->counts.failures);
        return (fh_pool_found){NULL, s};
    }
    *out = publish(pool, index);
    return (fh_pool_found){fh_pool_at(pool->core, index), FH_DONE};
}

fh_status fh_pool_alloc_n(fh_pool *pool, size_t count, fh_handle *handles) {
    fh_pool_core *core = pool->core;
    FH_UNSAFE("pool-batch");
    FH_POOL_SITE(pool);
    fh_status s = fh_pool_enter(pool);
    size_t taken = 0;
    while (!fh_failed(s) && taken < count) {
        uint32_t index;
        s = take_one(pool, &index);
        if (!fh_failed(s))
            handles[taken++] = (fh_handle){index};
    }
    if (fh_failed(s) && s.code != FH_WRONG_THREAD)
        FH_POOL_COUNT(pool->counts.failures);
    for (size_t i = 0; i < count; i++) {
        uint32_t index = i < taken ? (uint32_t)handles[i].value : 0;
        handles[i] = (fh_handle){0};
        if (!fh_failed(s)) {
            handles[i] = publish(pool, index);
        } else if (i < taken) { /* nobody saw it live: its generation goes back */
            uint32_t generation = fh_word_generation(fh_load(fh_pool_word(core, index), FH_RELAXED));
            fh_status ended = core->config.eager || core->config.fini == NULL
                                  ? FH_DONE : core->config.fini(core->config.hook_ctx, fh_pool_at(core, index));
            (void)ended;
            fh_pool_hide(core, fh_pool_at(core, index));
            ended = pool->core->policy->put(pool, index, generation - 1);
        }
    }
    return s;
}

fh_status fh_pool_end_life(fh_pool *view, uint32_t index, uint32_t generation) {
    const fh_pool_config *c = &view->core->config;
    uint8_t *at = fh_pool_at(view->core, index);
    fh_slot_hook *hook = c->eager ? c->reset : c->fini;
    fh_status s = hook == NULL ? FH_DONE : hook(c->hook_ctx, at);
    fh_pool_hide(view->core, at);
    fh_status kept = view->core->policy->put(view, index, generation + 1);
    return fh_failed(s) ? s : kept;
}

fh_status fh_pool_release_n(fh_pool *pool, size_t count, const fh_handle *handles) {
    fh_status first = FH_DONE;
    FH_UNSAFE("pool-batch");
    for (size_t i = 0; i < count; i++) {
        fh_status s = fh_pool_release(pool, handles[i]);
        first = fh_failed(first) ? first : s;
    }
    return first;
}

fh_status fh_pool_reset(fh_pool *pool) {
    fh_pool_core *core = pool->core;
    FH_TRY(fh_pool_reap(pool));
    if (pool->core->policy->is_alone != NULL && !pool->core->policy->is_alone(pool))
        return FH_STATUS(FH_BORROWED);
    for (uint32_t i = 0; i < core->used; i++) {
        uint64_t word = fh_load(fh_pool_word(core, i), FH_ACQUIRE);
        if (fh_word_live(word) && fh_word_low(word) != 0 && fh_word_low(word) - FH_BORROW_COUNTED > FH_BORROW_SHARED_MAX) {
            FH_POOL_COUNT(pool->counts.borrow_conflicts);
            return FH_STATUS(FH_BORROWED);
        }
    }
    fh_status first = FH_DONE;
    for (uint32_t i = 0; i < core->used; i++) {
        uint64_t word = fh_load(fh_pool_word(core, i), FH_ACQUIRE);
        if (!fh_word_live(word) || (fh_word_low(word) & FH_WORD_FREE) != 0)
            continue; /* the hook of another slot is at this one already */
        fh_store(fh_pool_word(core, i), fh_word(fh_word_generation(word), FH_BORROW_HOOK), FH_RELAXED);
        fh_status s = fh_pool_end_life(pool, i, fh_word_generation(word));
        first = fh_failed(first) ? first : s;
    }
    return first;
}

/* --- uses of a handle ----------------------------------------------------------------------------------------------- */

/* The life is over, but who claimed the slot has not put it away yet, or its owner has not heard of it. Where a hook is at
 * work at a release, the slot is still there. */
static bool is_ended(const fh_pool_core *core, uint64_t low) {
    bool has_hook = (core->config.eager ? core->config.reset : core->config.fini) != NULL;
    return low == FH_BORROW_AWAITS_OWNER || (low == FH_BORROW_HOOK && !has_hook);
}

fh_status fh_pool_refuse(fh_pool *view, fh_handle h, uint64_t word, bool is_release) {
    const fh_pool_core *core = view->core;
    uint32_t age = fh_handle_generation(h) - core->seed, now = fh_word_generation(word) - core->seed;
    if (h.value != 0 && ((age & 1) == 0 || !fh_pool_is_made(core, word) || age > now)) {
        FH_POOL_COUNT(view->counts.wrong_pools);
        return FH_STATUS(FH_WRONG_POOL);
    }
    bool is_freed = age == now && is_ended(core, fh_word_low(word));
    if (h.value != 0 && is_release && (age + 1 == now || is_freed)) {
        FH_POOL_COUNT(view->counts.double_frees);
        return FH_STATUS(FH_DOUBLE_FREE);
    }
    if (h.value == 0 || age < now || is_freed) {
        FH_POOL_COUNT(view->counts.stale_uses);
        return FH_STATUS(FH_STALE);
    }
    FH_POOL_COUNT(view->counts.borrow_conflicts);
    return FH_STATUS(FH_BORROWED);
}

/* One try at a use: FH_AGAIN if the word changed meanwhile. */
static fh_status try_use(fh_pool *pool, fh_handle h, fh_pool_op op) {
    const fh_pool_core *core = pool->core;
    uint32_t index = fh_handle_index(h);
    uint64_t word = index < fh_load(&core->used, FH_ACQUIRE) ? fh_load(fh_pool_word(core, index), FH_ACQUIRE) : 0;
    uint64_t low = word - (h.value & ~(uint64_t)UINT32_MAX), next;
    if (low > UINT32_MAX || !fh_word_live(word) || is_ended(core, low))
        return fh_pool_refuse(pool, h, word, op == FH_POOL_RELEASE || op == FH_POOL_DROP);
    fh_code code = fh_pool_step(op, low, &next);
    if (code == FH_BORROWED)
        return fh_pool_refuse(pool, h, word, op == FH_POOL_RELEASE);
    if (code != FH_OK || next == low)
        return FH_STATUS(code);
    fh_status s = core->policy->swap(pool, index, word, word - low + next);
    if (s.code == FH_WRONG_THREAD && op == FH_POOL_RELEASE && core->policy->send != NULL)
        return core->policy->send(pool, h, word);
    if (!fh_failed(s) && next == FH_BORROW_HOOK)
        return fh_pool_end_life(pool, index, fh_handle_generation(h));
    if (s.code == FH_WRONG_THREAD)
        fh_fetch_add(&pool->core->wrong_threads, 1, FH_RELAXED);
    return s;
}

fh_pool_found fh_pool_use(fh_pool *pool, fh_handle h, fh_pool_op op) {
    FH_POOL_SITE(pool);
    return pool->use(pool, h, op);
}

fh_pool_found fh_pool_use_long(fh_pool *pool, fh_handle h, fh_pool_op op) {
    fh_status s = fh_pool_enter(pool);
    if (!fh_failed(s) && pool->core->policy->borrow_only && op <= FH_POOL_VIEW)
        s = FH_STATUS(FH_UNSUPPORTED);
    else if (!fh_failed(s))
        do
            s = try_use(pool, h, op);
        while (s.code == FH_AGAIN);
    return (fh_pool_found){fh_failed(s) ? NULL : fh_pool_at(pool->core, fh_handle_index(h)), s};
}

/* --- copies --------------------------------------------------------------------------------------------------------- */

fh_status fh_pool_load(fh_pool *pool, fh_handle h, fh_mspan out) {
    if (out.size > pool->core->config.size_bytes)
        return FH_STATUS(FH_INVALID);
    fh_pool_op end = FH_POOL_DROP;
    fh_pool_found found = fh_pool_use(pool, h, FH_POOL_UPGRADE);
    if (found.status.code == FH_INVALID) { /* not counted */
        end = FH_POOL_BORROW_END;
        found = fh_pool_use(pool, h, FH_POOL_BORROW);
    }
    FH_TRY(found.status);
    fh_span_copy(out, (fh_span){found.at, out.size});
    return fh_pool_use(pool, h, end).status;
}

fh_status fh_pool_store(fh_pool *pool, fh_handle h, fh_span bytes) {
    if (bytes.size > pool->core->config.size_bytes)
        return FH_STATUS(FH_INVALID);
    fh_pool_found found = fh_pool_use(pool, h, FH_POOL_BORROW_MUT);
    FH_TRY(found.status);
    fh_span_copy((fh_mspan){found.at, bytes.size}, bytes);
    return fh_pool_use(pool, h, FH_POOL_BORROW_MUT_END).status;
}

/* --- views, housekeeping -------------------------------------------------------------------------------------------- */

fh_status fh_pool_attach(fh_pool *pool, fh_pool **out_view) {
    *out_view = NULL;
    if (pool->core->policy->attach == NULL)
        return FH_STATUS(FH_UNSUPPORTED);
    return pool->core->policy->attach(pool->core->first, out_view);
}

fh_status fh_pool_detach(fh_pool *view) {
    if (view->core->policy->detach == NULL)
        return FH_STATUS(FH_UNSUPPORTED);
    FH_TRY(fh_pool_enter(view));
    return view->core->policy->detach(view);
}

fh_status fh_pool_reap(fh_pool *pool) {
    FH_TRY(fh_pool_enter(pool));
    return pool->core->policy->reap == NULL ? FH_DONE : pool->core->policy->reap(pool);
}

size_t fh_pool_trim(fh_pool *pool) {
    if (pool->core->policy->trim == NULL || fh_failed(fh_pool_enter(pool)))
        return 0;
    size_t bytes = pool->core->policy->trim(pool);
    refresh(pool);
    return bytes;
}
