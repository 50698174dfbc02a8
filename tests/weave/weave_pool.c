/* weave_pool.c: whole shared pools in many interleavings: releases of one slot at the same time, threads that end, views that
 * the next thread adopts, slots that idle views leave. The parts by themselves are in weave_slot, weave_depot and weave_inbox.
 * */
#include "weave.h"

#include "mem/pool/pool_core.h"

enum { VIEWS = 3 };

static fh_pool *pool, *views[VIEWS];
static fh_handle h;
static uint64_t given;    /* h, once it is given away */
static uint32_t accepted; /* releases of h */

static void make(fh_allocator *a, fh_pool_threads threads, uint32_t capacity) {
    fh_pool_config c = {.size_bytes = 8, .natural_align_bytes = 8, .capacity = capacity, .threads = threads, .eager = true};
    fh_status s = fh_pool_new(a, &c, &pool);
    WEAVE_ASSERT(s.code == FH_OK);
    views[0] = pool;
    views[1] = views[2] = NULL;
    fh_store(&accepted, 0, FH_RELAXED);
    fh_store(&given, 0, FH_RELAXED);
    h = (fh_handle){0};
}

/* A slot of the first view, and a view for each thread. */
static void setup_of(fh_allocator *a, fh_pool_threads threads) {
    make(a, threads, 1);
    for (int i = 1; i < VIEWS; i++) {
        fh_status s = fh_pool_attach(pool, &views[i]);
        WEAVE_ASSERT(s.code == FH_OK);
    }
    fh_status s = fh_pool_alloc(pool, &h, NULL);
    WEAVE_ASSERT(s.code == FH_OK);
}
static void setup_shared(fh_allocator *a) {
    setup_of(a, FH_POOL_SHARED);
}
static void setup_depot(fh_allocator *a) {
    setup_of(a, FH_POOL_SHARED_BORROW);
}
static void setup_bare(fh_allocator *a) {
    make(a, FH_POOL_SHARED, 1);
}
static void setup_bare_depot(fh_allocator *a) {
    make(a, FH_POOL_SHARED_BORROW, 1);
}

/* Ends all views and the pool; everything must be where it belongs, and `lives` be over. */
static void end(uint64_t lives, uint64_t refusals) {
    for (int i = VIEWS - 1; i >= 0; i--) {
        if (views[i] == NULL)
            continue;
        fh_pool_adopt(views[i]);
        fh_status s = i == 0 ? fh_pool_reap(views[i]) : fh_pool_detach(views[i]);
        (void)s; /* a view whose thread has ended is idle already */
    }
    fh_status s = fh_pool_check(pool, NULL);
    WEAVE_ASSERT(s.code == FH_OK);
    fh_pool_stats n = fh_pool_stats_get(pool);
    WEAVE_ASSERT(n.releases == lives && n.double_frees + n.stale_uses == refusals);
    fh_pool_free(pool);
}

/* --- releases ------------------------------------------------------------------------------------------------------------- */

/* The handle is stale for who released it, whatever the others do. */
static void release_by(int i) {
    fh_pool_adopt(views[i]);
    fh_status s = fh_pool_release(views[i], h);
    WEAVE_ASSERT(s.code == FH_OK || s.code == FH_DOUBLE_FREE || s.code == FH_STALE);
    const void *at;
    s = fh_pool_borrow(views[i], h, &at);
    WEAVE_ASSERT(s.code == FH_STALE);
}
static void release_0(void) {
    release_by(0);
}
static void release_1(void) {
    release_by(1);
}
static void release_2(void) {
    release_by(2);
}
/* … and the owner begins the next life as soon as it can. */
static void reuse_0(void) {
    release_by(0);
    fh_handle next;
    fh_status s = fh_pool_alloc(pool, &next, NULL);
    if (s.code == FH_OK)
        WEAVE_ASSERT(next.value != h.value && fh_pool_use(pool, next, FH_POOL_BORROW).status.code == FH_OK &&
                     fh_pool_use(pool, next, FH_POOL_BORROW_END).status.code == FH_OK &&
                     fh_pool_release(pool, next).code == FH_OK);
    fh_store(&accepted, s.code == FH_OK, FH_RELAXED);
}

/* One life, two releases, two look-ups. */
static void check_2(void) {
    end(1, 3);
}
static void check_reuse(void) {
    end(1 + accepted, 3);
}

/* --- threads that end ----------------------------------------------------------------------------------------------- */

/* Allocates, gives the handle away, and ends without a detach. */
static void gives(void) {
    fh_handle mine;
    fh_status s = fh_pool_attach(pool, &views[1]);
    WEAVE_ASSERT(s.code == FH_OK);
    s = fh_pool_alloc(views[1], &mine, NULL);
    WEAVE_ASSERT(s.code == FH_OK);
    fh_store(&given, mine.value, FH_RELEASE);
}
/* Releases what was given, and wants a slot of its own: the only one, wherever it is by then. */
static void takes(void) {
    uint64_t value;
    while ((value = fh_load(&given, FH_ACQUIRE)) == 0)
        fh_pause();
    fh_pool_adopt(pool);
    fh_status s = fh_pool_release(pool, (fh_handle){value});
    WEAVE_ASSERT(s.code == FH_OK);
    s = fh_pool_alloc(pool, &h, NULL);
    WEAVE_ASSERT(s.code == FH_OK || s.code == FH_EXHAUSTED);
    if (s.code == FH_OK)
        s = fh_pool_release(pool, h);
    fh_store(&accepted, s.code == FH_OK, FH_RELAXED);
    WEAVE_ASSERT(s.code == FH_OK || s.code == FH_EXHAUSTED);
}
/* One leaves with the only slot on its list; another comes, into the same view or a new one, and may find the slot. */
static void setup_leaving(fh_allocator *a) {
    make(a, FH_POOL_SHARED, 1);
    fh_status s = fh_pool_attach(pool, &views[1]);
    WEAVE_ASSERT(s.code == FH_OK);
    s = fh_pool_alloc(views[1], &h, NULL);
    WEAVE_ASSERT(s.code == FH_OK);
}
static void leaves(void) {
    fh_pool_adopt(views[1]);
    fh_status s = fh_pool_release(views[1], h);
    WEAVE_ASSERT(s.code == FH_OK);
    s = fh_pool_detach(views[1]);
    WEAVE_ASSERT(s.code == FH_OK);
}
static void comes(void) {
    fh_pool *view;
    fh_handle mine;
    fh_status s = fh_pool_attach(pool, &view);
    WEAVE_ASSERT(s.code == FH_OK);
    s = fh_pool_alloc(view, &mine, NULL);
    WEAVE_ASSERT(s.code == FH_OK || s.code == FH_EXHAUSTED);
    if (s.code == FH_OK)
        WEAVE_ASSERT(fh_pool_release(view, mine).code == FH_OK);
}
static void check_ended(void) {
    views[1] = NULL; /* idle: its thread has ended */
    fh_pool_adopt(pool);
    fh_status s = fh_pool_reap(pool);
    WEAVE_ASSERT(s.code == FH_OK && fh_pool_stats_get(pool).live == 0);
    s = fh_pool_alloc(pool, &h, NULL); /* the slot is nowhere else */
    WEAVE_ASSERT(s.code == FH_OK);
    s = fh_pool_release(pool, h);
    WEAVE_ASSERT(s.code == FH_OK && fh_pool_check(pool, NULL).code == FH_OK);
    fh_pool_free(pool);
}

/* Two threads with one view at the same time: what it holds is plain memory. */
static void same_view(void) {
    fh_handle mine;
    fh_pool_adopt(views[1]);
    fh_status s = fh_pool_alloc(views[1], &mine, NULL);
    (void)s;
}

int main(void) {
    static const weave_test tests[] = {
        {.name = "pool: owner and another", .setup = setup_shared, .threads = {release_0, release_1}, .check = check_2},
        {.name = "pool: two others", .setup = setup_shared, .threads = {release_1, release_2}, .check = check_2},
        {.name = "pool: the slot is used again", .setup = setup_shared, .threads = {reuse_0, release_1}, .check = check_reuse},
        {.name = "pool: compare-and-swap", .setup = setup_depot, .threads = {release_0, release_1}, .check = check_2},
        {.name = "pool: compare-and-swap, used again", .setup = setup_depot, .threads = {reuse_0, release_1},
         .check = check_reuse},
        {.name = "pool: a thread ends", .setup = setup_bare, .threads = {gives, takes}, .check = check_ended,
         },
        {.name = "pool: a thread ends, compare-and-swap", .setup = setup_bare_depot, .threads = {gives, takes},
         .check = check_ended},
        {.name = "pool: a view is adopted", .setup = setup_leaving, .threads = {leaves, comes}, .check = check_ended},
        {.name = "pool: two threads with one view", .setup = setup_shared, .threads = {same_view, same_view},
         .finds = "race"},
    };
    return weave_main(tests, sizeof tests / sizeof tests[0]);
}
