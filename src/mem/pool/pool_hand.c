/* pool_hand.c: where the slots of a hardened pool are while nobody uses them: the free set, the queue, and the hands of the
 * views. pool_hard.c says what for.
 *
 * Threading: the free set and the queue under the lock, a hand by its view's thread. Invariants: hard-lists (pool_hard.c). */
#include "mem/pool/pool_hard.h"

#include "freehold/hash.h"
#include "freehold/os.h"

enum {
    SAMPLE_EVERY = 5000,
    CHOICE_BITS = 8,
    CHOICE = 1 << CHOICE_BITS, /* so many slots at most are drawn from */
    SHORT_BYTES = 1024,        /* the largest object of the short roads */
};

static fh_hard *hard_of(const fh_pool *view) {
    return view->core->own;
}

/* --- the lists: all under the lock ------------------------------------------------------------------------------------ */

static uint32_t random_below(fh_hard *h, uint32_t n) {
    return (uint32_t)((fh_mix64(h->random++) >> 32) * n >> 32);
}

/* Moves up to `want` slots of the free set to out[0 …], and says how many: each one any of the CHOICE that joined last and are
 * left, and begins to fetch it. (Were it any of a large free set, none would be in the cache.) */
static uint32_t choose(const fh_pool *view, fh_hard *h, uint32_t want, uint32_t *out) {
    uint32_t *free = h->free, count = h->free_count, n = 0;
    const uint8_t *base = view->fast.base;
    size_t stride = view->fast.stride;
    uint64_t random = 0;
    FH_UNSAFE("hard-lists");
    want = want < count ? want : count;
    for (; n < want; n++, random >>= CHOICE_BITS) {
        if (n % (64 / CHOICE_BITS) == 0)
            random = fh_mix64(h->random++);
        uint32_t k = (uint32_t)random % CHOICE;
        uint32_t *last = free + --count, *chosen = last - (FH_LIKELY(count >= CHOICE) ? k : k * (count + 1) / CHOICE);
        uint32_t i = *chosen;
        *chosen = *last;
        out[n] = i;
        __builtin_prefetch(base + i * stride, 1);
        __builtin_prefetch(base + i * stride + stride - 1, 1);
        __builtin_prefetch(&view->fast.words[i], 1);
    }
    h->free_count = count;
    return n;
}

void fh_hard_add_free(fh_hard *h, uint32_t i) {
    FH_UNSAFE("hard-lists");
    h->free[h->free_count++] = i;
}

/* Each of the slots takes the place of the oldest one in the queue, which joins the free set. */
static void queue(fh_hard *h, const uint32_t *slots, uint32_t n) {
    bool is_full = h->waiting_count == h->waiting_max; /* else some of the places may have nothing in them */
    FH_UNSAFE("hard-lists");
    for (uint32_t part; n > 0; n -= part, slots += part) {
        uint32_t *at = h->waiting + h->waiting_at, *left = h->free + h->free_count;
        part = h->waiting_max - h->waiting_at;
        part = part < n ? part : n;
        memcpy(left, at, part * sizeof *left);
        memcpy(at, slots, part * sizeof *at);
        h->waiting_at = h->waiting_at + part == h->waiting_max ? 0 : h->waiting_at + part;
        for (uint32_t k = 0; !is_full && k < part; k++) {
            if (left[k] != FH_POOL_NO_SLOT)
                fh_hard_add_free(h, left[k]);
            else
                fh_store(&h->waiting_count, h->waiting_count + 1, FH_RELAXED);
        }
        h->free_count += is_full ? part : 0;
    }
}

/* The oldest one in the queue, which is not empty, joins the free set before its time. */
static void hurry(fh_hard *h) {
    uint32_t at = h->waiting_at;
    FH_UNSAFE("hard-lists");
    while (h->waiting[at] == FH_POOL_NO_SLOT)
        at = at + 1 == h->waiting_max ? 0 : at + 1;
    fh_hard_add_free(h, h->waiting[at]);
    h->waiting[at] = FH_POOL_NO_SLOT;
    fh_store(&h->waiting_count, h->waiting_count - 1, FH_RELAXED);
}

void fh_hard_count_out(fh_pool *view, fh_hard *h, uint32_t more) {
    h->out += more;
    fh_hard_hand_of(view)->out = h->out;
    fh_hard_hand *first = fh_hard_hand_of(view->core->first);
    if (h->several_threads && h->out > first->peak)
        fh_store(&first->peak, h->out, FH_RELAXED);
}

/* What the view has in hand of ended lives joins the queue. */
static void empty_ended(fh_pool *view, fh_hard *h) {
    fh_hard_hand *hand = fh_hard_hand_of(view);
    uint32_t n = hand->ended_count;
    queue(h, hand->ended, n);
    fh_store(&hand->ended_count, 0, FH_RELAXED);
    fh_hard_count_out(view, h, 0 - n);
}

/* Puts the committed slots that are new into the free set. When the system refuses a guard they stay out until the next try. */
static fh_status look_at_new(fh_pool_core *core, fh_hard *h) {
    FH_TRY(fh_hard_make_guards(core, h));
    FH_UNSAFE("hard-lists");
    for (; h->ready < core->slots; h->ready++)
        if (fh_hard_is_slot(core, h, h->ready))
            fh_hard_add_free(h, h->ready);
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

/* Sees to it that there is something to draw: slots, and capacity for them. */
static fh_status provide(fh_pool_core *core, fh_hard *h) {
    if (h->ready < core->slots)
        FH_TRY(look_at_new(core, h));
    if (h->out >= core->capacity) {
        uint32_t capacity = fh_pool_next_capacity(core);
        if (capacity == core->capacity)
            return FH_STATUS(FH_EXHAUSTED);
        FH_TRY(make_room(core, h, capacity));
        FH_TRY(fh_pool_commit(core, capacity));
        FH_TRY(look_at_new(core, h));
    }
    if (h->free_count == 0 && h->waiting_count != 0)
        hurry(h); /* too many were retired */
    return FH_STATUS(h->free_count != 0 ? FH_OK : FH_EXHAUSTED);
}

/* A hand of slots for a view that has none, no more than until a guarded one is due. */
static fh_status draw(fh_pool *view, fh_hard *h) {
    const fh_pool_core *core = view->core;
    fh_hard_hand *hand = fh_hard_hand_of(view);
    FH_TRY(provide(view->core, h));
    uint32_t want = core->capacity - h->out;
    want = want < hand->most ? want : hand->most;
    if (h->sample_every != 0 && want > hand->sample_in)
        want = hand->sample_in > 0 ? hand->sample_in : 1;
    uint32_t n = choose(view, h, want, &hand->drawn[1]);
    hand->sample_in -= n < hand->sample_in ? n : hand->sample_in;
    fh_store(&hand->drawn_count, n, FH_RELAXED);
    fh_hard_count_out(view, h, n);
    return FH_DONE;
}

/* --- guarded slots ---------------------------------------------------------------------------------------------------- */

/* A guarded slot, if this alloc is sampled and one is free. They take turns, so that the pages of one that ended trap for
 * long. */
static bool draw_guarded(fh_pool *view, fh_hard *h, uint32_t *out) {
    fh_pool_core *core = view->core;
    fh_hard_hand *hand = fh_hard_hand_of(view);
    if (hand->sample_in != 0 || h->sample_every == 0)
        return false;
    hand->sample_in = random_below(h, 2 * h->sample_every - 1);
    for (uint32_t k = 0; k < FH_HARD_GUARDED && h->out < core->capacity; k++) {
        uint32_t number = (h->guarded_next + k) % FH_HARD_GUARDED, i = fh_hard_guarded_index(h, number);
        uint64_t word = fh_load(fh_pool_word(core, i), FH_ACQUIRE);
        if (h->guarded[number].is_taken ||
            (word != 0 && (fh_word_low(word) != FH_HARD_FREE || fh_pool_is_worn(core, fh_word_generation(word)))))
            continue;
        size_t bytes;
        uint8_t *pages = fh_hard_guarded_pages(core, i, &bytes);
        if (fh_failed(fh_pages_commit(core->allocator, pages, bytes)))
            return false;
        h->guarded_next = number + 1;
        h->guarded[number] = (fh_hard_guarded){.is_taken = true, .allocated_at = fh_load(&view->site, FH_RELAXED)};
        fh_hard_count_out(view, h, 1);
        *out = i;
        return true;
    }
    return false;
}

/* --- hands ------------------------------------------------------------------------------------------------------------- */

fh_status fh_hard_next(fh_pool *view, uint32_t *out, bool *out_is_guarded) {
    fh_hard *h = hard_of(view);
    fh_hard_hand *hand = fh_hard_hand_of(view);
    fh_status s = FH_DONE;
    *out_is_guarded = false;
    if (hand->drawn_count == 0) {
        fh_hard_lock(h);
        empty_ended(view, h);
        *out_is_guarded = draw_guarded(view, h, out);
        if (!*out_is_guarded)
            s = draw(view, h);
        fh_hard_unlock(h);
    }
    if (fh_failed(s) || *out_is_guarded)
        return s;
    FH_UNSAFE("hard-lists");
    *out = hand->drawn[hand->drawn_count];
    fh_store(&hand->drawn_count, hand->drawn_count - 1, FH_RELAXED);
    return FH_DONE;
}

void fh_hard_keep(fh_pool *view, uint32_t i) {
    fh_hard *h = hard_of(view);
    fh_hard_hand *hand = fh_hard_hand_of(view);
    if (hand->ended_count == hand->most) {
        fh_hard_lock(h);
        empty_ended(view, h);
        fh_hard_unlock(h);
    }
    FH_UNSAFE("hard-lists");
    hand->ended[hand->ended_count] = i;
    fh_store(&hand->ended_count, hand->ended_count + 1, FH_RELAXED);
}

void fh_hard_give_back(fh_pool *view) {
    fh_hard *h = hard_of(view);
    fh_hard_hand *hand = fh_hard_hand_of(view);
    fh_hard_lock(h);
    empty_ended(view, h);
    FH_UNSAFE("hard-lists");
    uint32_t n = hand->drawn_count;
    for (uint32_t k = 1; k <= n; k++)
        fh_hard_add_free(h, hand->drawn[k]);
    fh_store(&hand->drawn_count, 0, FH_RELAXED);
    fh_hard_count_out(view, h, 0 - n);
    fh_hard_unlock(h);
}

static bool plain_only;

void fh_pool_hard_plain(bool only) {
    fh_store(&plain_only, only, FH_RELAXED);
}

/* One or two chunks, and eight or sixteen whole bytes of canary. */
static bool is_small(size_t size, size_t stride, size_t chunk) {
    return size <= 2 * chunk && size % 8 == 0 && stride <= size + 16;
}

/* Short roads for objects of a size, or NULL. */
static const fh_hard_roads *roads_for(size_t size, size_t stride) {
    if (size < 16 || size > SHORT_BYTES)
        return NULL;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (size >= 32 && __builtin_cpu_supports("avx2") && !fh_load(&plain_only, FH_RELAXED))
        return is_small(size, stride, 32) ? fh_hard_roads_small32 : fh_hard_roads_some32;
#endif
    return is_small(size, stride, 16) ? fh_hard_roads_small16 : fh_hard_roads_some16;
}

void fh_hard_begin(fh_pool *view) {
    const fh_pool_config *c = &view->core->config;
    fh_hard *h = hard_of(view);
    fh_hard_hand *hand = fh_hard_hand_of(view);
    uint32_t share = c->max_capacity / 16;
    share = share == 0 ? 1 : share;
    hand->most = h->several_threads && share < FH_HARD_HAND ? share : FH_HARD_HAND;
    hand->lead = (uint32_t)h->is.lead;
    hand->secret = h->secret;
    fh_hard_lock(h);
    hand->sample_in = h->sample_every == 0 ? 0 : random_below(h, 2 * h->sample_every - 1);
    fh_hard_unlock(h);
    const fh_hard_roads *roads = roads_for(c->size_bytes, view->core->stride);
    if (c->eager || c->init != NULL || c->fini != NULL || roads == NULL || view->core->is_watched)
        return;
    int kind = !h->several_threads ? FH_HARD_ONE : view->core->policy->borrow_only ? FH_HARD_BORROW : FH_HARD_SEVERAL;
    FH_UNSAFE("hard-lists");
    view->alloc = roads[kind].alloc;
    view->use = roads[kind].use;
}

/* --- life ---------------------------------------------------------------------------------------------------------------- */

fh_status fh_hard_lists_open(fh_pool_core *core, fh_hard *h) {
    h->is = fh_hard_layout_of(core);
    h->random = fh_os_random();
    h->secret = fh_os_random();
    h->sample_every = core->config.eager ? 0 : SAMPLE_EVERY; /* a page that traps keeps no object */
    h->waiting_max = (uint32_t)h->is.waiting_max;
    h->waiting = fh_alloc(core->allocator, h->waiting_max, sizeof *h->waiting);
    if (h->waiting == NULL)
        return FH_STATUS(FH_NOMEM);
    FH_UNSAFE("hard-lists");
    for (uint32_t k = 0; k < h->waiting_max; k++)
        h->waiting[k] = FH_POOL_NO_SLOT;
    if (core->config.eager) {
        h->sums_bytes = sums_size(h, core->slots_max);
        void *at;
        FH_TRY(fh_pages_reserve(core->allocator, h->sums_bytes, &at));
        h->sums = at;
    }
    FH_TRY(make_room(core, h, core->capacity));
    return look_at_new(core, h);
}

void fh_hard_lists_close(fh_pool_core *core, fh_hard *h) {
    fh_pages_release(core->allocator, h->sums, h->sums_bytes);
    fh_free(core->allocator, h->free);
    fh_free(core->allocator, h->waiting);
}

void fh_pool_hard_sample(fh_pool *pool, uint32_t every) {
    fh_hard *h = hard_of(pool);
    fh_hard_give_back(pool);
    fh_hard_lock(h);
    h->sample_every = pool->core->config.eager ? 0 : every;
    fh_hard_hand_of(pool)->sample_in = 0;
    fh_hard_unlock(h);
}
