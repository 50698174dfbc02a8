/* test_pool_shared.c: slots with one writer: releases elsewhere, letters, owners, what idle views leave; races and traffic. */
#include "pool_test.h"

#include "mem/pool/pool_views.h"

static fh_pool *new_pool(fh_allocator *a, uint32_t capacity) {
    return new_with(a, (fh_pool_config){.capacity = capacity, .eager = true, .threads = FH_POOL_SHARED});
}

/* --- releases elsewhere ------------------------------------------------------------------------------------------- */

/* Accepted once, stale at once for everybody, and the slot comes back when the owner reads its letters. */
static void test_release_elsewhere(void **state) {
    fh_pool *pool = new_pool(fh_test_allocator(state), 1), *view = attach(pool);
    fh_handle h = alloc_one(pool), next;
    get(view, h, FH_OK);
    fh_assert_ok(fh_pool_release(view, h));
    get(view, h, FH_STALE);
    get(pool, h, FH_STALE);
    fh_assert_code(fh_pool_release(view, h), FH_DOUBLE_FREE);
    fh_assert_code(fh_pool_release(pool, h), FH_DOUBLE_FREE);
    fh_pool_stats s = fh_pool_stats_get(pool);
    assert_true(s.live == 0 && s.releases == 1 && s.remote_frees == 1 && s.double_frees == 2 && s.stale_uses == 2);
    check(pool);
    next = alloc_one(pool); /* a letter of so small a pool is full with one slot */
    assert_int_equal((uint32_t)next.value, (uint32_t)h.value);
    get(view, h, FH_STALE);
    fh_assert_code(fh_pool_release(view, h), FH_STALE);
    get(view, next, FH_OK);
    fh_assert_ok(fh_pool_release(pool, next));
    fh_assert_code(fh_pool_release(view, next), FH_DOUBLE_FREE);
    end(pool, view);
}

/* Changes of a borrow word are the owner's; look-ups are everybody's. A borrowed slot cannot be released, here or elsewhere. */
static void test_who_may(void **state) {
    fh_pool *pool = new_pool(fh_test_allocator(state), 8), *view = attach(pool);
    fh_handle h = alloc_one(pool);
    const void *read;
    void *at;
    fh_assert_code(fh_pool_borrow(view, h, &read), FH_WRONG_THREAD);
    fh_assert_code(fh_pool_borrow_mut(view, h, &at), FH_WRONG_THREAD);
    fh_assert_code(fh_pool_pin(view, h, &at), FH_WRONG_THREAD);
    fh_assert_code(fh_pool_share(view, h), FH_WRONG_THREAD);
    assert_int_equal(fh_pool_stats_get(pool).wrong_threads, 4);

    fh_assert_ok(fh_pool_borrow(pool, h, &read));
    fh_assert_ok(fh_pool_view(view, h, &read));
    get(view, h, FH_BORROWED);
    fh_assert_code(fh_pool_release(view, h), FH_BORROWED);
    fh_assert_code(fh_pool_release(pool, h), FH_BORROWED);
    fh_assert_code(fh_pool_borrow_end(view, h), FH_WRONG_THREAD);
    fh_assert_ok(fh_pool_borrow_end(pool, h));
    fh_assert_ok(fh_pool_pin(pool, h, &at));
    fh_assert_code(fh_pool_release(view, h), FH_BORROWED);
    fh_assert_ok(fh_pool_unpin(pool, h));
    fh_assert_ok(fh_pool_share(pool, h));
    fh_assert_code(fh_pool_release(view, h), FH_BORROWED);
    fh_assert_code(fh_pool_drop(view, h), FH_WRONG_THREAD);
    fh_assert_ok(fh_pool_drop(pool, h));
    get(view, h, FH_STALE);
    end(pool, view);
}

static void lose_the_mark(fh_pool *pool, fh_handle h) {
    fh_store(fh_pool_word(pool->core, (uint32_t)h.value), h.value & ~(uint64_t)UINT32_MAX, FH_RELAXED);
}

/* The owner looked at the word before another view marked it, and stores afterwards: both releases are accepted. The letter is
 * still on its way, and is reported when it is read; whatever has become of the slot by then. */
static void test_overwritten_mark(void **state) {
    fh_pool *pool = new_pool(fh_test_allocator(state), 64), *view = attach(pool), *third = attach(pool);
    fh_handle h = alloc_one(pool), next;
    fh_assert_ok(fh_pool_release(view, h));
    lose_the_mark(pool, h);
    fh_assert_ok(fh_pool_release(pool, h));
    next = alloc_one(pool);
    assert_int_equal((uint32_t)next.value, (uint32_t)h.value);
    fh_assert_ok(fh_pool_reap(view));
    fh_assert_ok(fh_pool_reap(pool));
    get(pool, next, FH_OK);
    assert_int_equal(fh_pool_stats_get(pool).double_frees, 1);
    check(pool);

    /* A letter may end a later life than its own, if that was released too; then the later letter is the one reported. */
    fh_assert_ok(fh_pool_release(view, next));
    lose_the_mark(pool, next);
    fh_assert_ok(fh_pool_release(pool, next));
    next = alloc_one(pool);
    fh_assert_ok(fh_pool_release(third, next));
    fh_assert_ok(fh_pool_reap(view));
    fh_assert_ok(fh_pool_reap(pool));
    h = alloc_one(pool);
    assert_int_equal((uint32_t)next.value, (uint32_t)h.value);
    fh_assert_ok(fh_pool_reap(third));
    fh_assert_ok(fh_pool_reap(pool));
    get(pool, h, FH_OK);
    assert_int_equal(fh_pool_stats_get(pool).double_frees, 2);
    fh_assert_ok(fh_pool_detach(third));
    end(pool, view);
}

/* The same, with a slot that has another owner by then: its old owner passes the letter on. */
static void test_letter_to_old_owner(void **state) {
    fh_pool *pool = new_pool(fh_test_allocator(state), 1), *view = attach(pool), *third = attach(pool);
    fh_handle h = alloc_one(view);
    fh_assert_ok(fh_pool_release(third, h)); /* a letter to `view`, which reads it only … */
    lose_the_mark(pool, h);
    fh_assert_ok(fh_pool_release(view, h));
    uint64_t letter = fh_exchange(fh_pool_inbox(view), 0, FH_RELAXED);
    fh_assert_ok(fh_pool_detach(view));
    h = alloc_one(pool); /* … after the slot has gone to the first view … */
    assert_ptr_equal(attach(pool), view);
    fh_store(fh_pool_inbox(view), letter, FH_RELAXED);
    fh_assert_ok(fh_pool_release(third, h)); /* … and was released for the first view */
    fh_assert_ok(fh_pool_reap(view));
    check(pool);
    assert_int_equal(view->fast.head, FH_POOL_NO_SLOT);
    fh_assert_ok(fh_pool_reap(pool));
    fh_pool_stats s = fh_pool_stats_get(pool);
    assert_true(s.double_frees == 1 && s.live == 0);
    h = alloc_one(pool);
    fh_assert_ok(fh_pool_detach(third));
    end(pool, view);
}

/* --- letters ------------------------------------------------------------------------------------------------------ */

static void test_letters(void **state) {
    enum { SLOTS = 512, LETTER = 512 / 16 };
    fh_pool *pool = new_pool(fh_test_allocator(state), SLOTS), *view = attach(pool);
    fh_handle h[SLOTS], more;
    for (int i = 0; i < SLOTS; i++)
        h[i] = alloc_one(pool);
    fh_assert_code(fh_pool_alloc(view, &more, NULL), FH_EXHAUSTED);
    /* A letter that is not full is held back, until a reap … */
    for (int i = 0; i < LETTER - 1; i++)
        fh_assert_ok(fh_pool_release(view, h[i]));
    check(pool);
    fh_assert_ok(fh_pool_reap(pool));
    assert_int_equal((uint32_t)pool->fast.head, FH_POOL_NO_SLOT);
    fh_assert_ok(fh_pool_reap(view));
    for (int i = 0; i < LETTER - 1; i++)
        h[i] = alloc_one(pool);
    /* … or until it is full … */
    for (int i = 0; i < LETTER; i++)
        fh_assert_ok(fh_pool_release(view, h[i]));
    for (int i = 0; i < LETTER; i++)
        h[i] = alloc_one(pool);
    /* … or until its reader has asked for slots in vain. */
    fh_assert_ok(fh_pool_release(view, h[0]));
    fh_assert_code(fh_pool_alloc(pool, &more, NULL), FH_EXHAUSTED);
    fh_assert_ok(fh_pool_release(view, h[1]));
    h[0] = alloc_one(pool);
    h[1] = alloc_one(pool);
    fh_assert_ok(fh_pool_release(view, h[2])); /* it has had some since */
    fh_assert_ok(fh_pool_reap(pool));
    assert_int_equal((uint32_t)pool->fast.head, FH_POOL_NO_SLOT);
    check(pool);
    /* A detach sends all. */
    fh_assert_ok(fh_pool_detach(view));
    h[2] = alloc_one(pool);
    assert_int_equal(fh_pool_stats_get(pool).live, SLOTS);
    check(pool);
    fh_pool_free(pool);
}

/* What an idle view has is for those who have nothing; letters that reach it later find the new owner. */
static void test_idle_views(void **state) {
    enum { SLOTS = 64 };
    fh_pool *pool = new_pool(fh_test_allocator(state), SLOTS), *view = attach(pool), *third = attach(pool);
    fh_handle h[SLOTS];
    for (int i = 0; i < SLOTS; i++)
        h[i] = alloc_one(view);
    for (int i = 0; i < 40; i++)
        fh_assert_ok(fh_pool_release(view, h[i]));
    fh_assert_ok(fh_pool_release(third, h[40])); /* in an open letter to `view` */
    fh_assert_ok(fh_pool_detach(view));
    for (int i = 0; i < 40; i++)
        h[i] = alloc_one(pool);
    check(pool);
    for (int i = 0; i < 40; i++) { /* now they are the first view's */
        void *at;
        fh_assert_ok(fh_pool_borrow_mut(pool, h[i], &at));
        fh_assert_ok(fh_pool_borrow_mut_end(pool, h[i]));
        fh_assert_ok(fh_pool_release(third, h[i]));
    }
    for (int i = 41; i < SLOTS; i++) { /* these are still the idle one's */
        void *at;
        fh_assert_code(fh_pool_borrow_mut(pool, h[i], &at), FH_WRONG_THREAD);
        fh_assert_ok(fh_pool_release(pool, h[i]));
    }
    fh_assert_ok(fh_pool_reap(third));
    fh_assert_ok(fh_pool_reap(pool));
    assert_int_equal(fh_pool_stats_get(pool).live, 0);
    check(pool);
    for (int i = 0; i < SLOTS; i++) /* every one of them can be had again */
        h[i] = alloc_one(pool);
    assert_ptr_equal(attach(pool), view);
    for (int i = 0; i < SLOTS; i++) /* its old range is not its own any more */
        fh_assert_ok(fh_pool_release(view, h[i]));
    assert_int_equal(view->fast.head, FH_POOL_NO_SLOT);
    fh_assert_ok(fh_pool_detach(view));
    end(pool, third);
}

/* A reset takes over slots of idle views; their old ranges are closed. */
static void test_reset(void **state) {
    fh_pool *pool = new_pool(fh_test_allocator(state), 64), *view = attach(pool);
    fh_handle h[20];
    for (int i = 0; i < 20; i++)
        h[i] = alloc_one(i < 10 ? view : pool);
    fh_assert_ok(fh_pool_release(pool, h[3]));
    fh_assert_ok(fh_pool_detach(view));
    fh_assert_ok(fh_pool_reset(pool));
    assert_int_equal(fh_pool_stats_get(pool).live, 0);
    check(pool);
    for (int i = 0; i < 20; i++)
        get(pool, h[i], FH_STALE);
    for (int i = 0; i < 20; i++)
        h[i] = alloc_one(pool);
    assert_ptr_equal(attach(pool), view);
    for (int i = 0; i < 20; i++)
        fh_assert_ok(fh_pool_release(view, h[i]));
    check(pool);
    fh_assert_ok(fh_pool_reap(view));
    for (int i = 0; i < 20; i++)
        h[i] = alloc_one(pool);
    end(pool, view);
}

/* A slot at the end of its generations is retired, wherever it is released. */
static void test_worn(void **state) {
    const fh_pool_config config = {.capacity = 1, .threads = FH_POOL_SHARED, .eager = true};
    fh_pool *pool = new_narrow(fh_test_allocator(state), config, 4), *view = attach(pool);
    fh_handle h;
    for (int life = 0; life < 6; life++)
        fh_assert_ok(fh_pool_release(life % 2 == 0 ? pool : view, alloc_one(pool)));
    fh_assert_code(fh_pool_alloc(pool, &h, NULL), FH_EXHAUSTED);
    assert_int_equal(fh_pool_stats_get(pool).retired, 1);
    end(pool, view);
}

/* --- hooks -------------------------------------------------------------------------------------------------------- */

typedef struct hooks {
    fh_pool *pool;
    fh_handle h;
    int inits, finis;
    fh_code says, inside;
} hooks;

static fh_status counts_init(void *ctx, void *slot) {
    hooks *k = ctx;
    (void)slot;
    k->inits++;
    return FH_STATUS(k->says);
}

static fh_status counts_fini(void *ctx, void *slot) {
    hooks *k = ctx;
    (void)slot;
    k->finis++;
    if (k->pool != NULL)
        k->inside = fh_pool_release(k->pool, k->h).code;
    return FH_STATUS(k->says);
}

static void test_hooks(void **state) {
    hooks k = {.inits = 0};
    const fh_pool_config lazy = {.capacity = 4, .threads = FH_POOL_SHARED, .init = counts_init, .fini = counts_fini,
                                 .hook_ctx = &k};
    fh_pool *pool = new_with(fh_test_allocator(state), lazy);
    fh_pool *view = attach(pool);
    fh_handle h = alloc_one(pool);
    k.pool = pool;
    k.h = h;
    k.says = FH_IO;
    fh_assert_ok(fh_pool_reap(view));
    fh_assert_code(fh_pool_release(view, h), FH_IO); /* elsewhere, by who releases; and its life has ended */
    assert_true(k.finis == 1 && k.inside == FH_BORROWED);
    fh_assert_code(fh_pool_release(view, h), FH_DOUBLE_FREE);
    fh_assert_code(fh_pool_release(pool, h), FH_DOUBLE_FREE);
    check(pool);
    fh_assert_code(fh_pool_alloc(pool, &k.h, NULL), FH_IO);
    k.says = FH_OK;
    k.pool = NULL;
    for (int i = 0; i < 4; i++)
        (void)alloc_one(pool);
    assert_true(k.inits == 6 && k.finis == 1);
    check(pool);
    fh_assert_ok(fh_pool_detach(view));
    fh_pool_free(pool);
    assert_int_equal(k.finis, 5);

    /* Eager: init once a slot, tried again after a failure. */
    k = (hooks){.says = FH_IO};
    const fh_pool_config eager = {.capacity = 2, .threads = FH_POOL_SHARED, .eager = true, .init = counts_init,
                                  .fini = counts_fini, .hook_ctx = &k};
    pool = new_with(fh_test_allocator(state), eager);
    fh_assert_code(fh_pool_alloc(pool, &h, NULL), FH_IO);
    fh_assert_code(fh_pool_alloc(pool, &h, NULL), FH_IO);
    check(pool);
    k.says = FH_OK;
    view = attach(pool);
    h = alloc_one(pool);
    (void)alloc_one(pool);
    fh_assert_code(fh_pool_alloc(pool, &k.h, NULL), FH_EXHAUSTED);
    fh_assert_ok(fh_pool_release(view, h));
    (void)alloc_one(pool);
    assert_true(k.inits == 4 && k.finis == 0);
    fh_assert_ok(fh_pool_detach(view));
    fh_pool_free(pool);
    assert_int_equal(k.finis, 2);
}

/* It runs at each release: one's own, one that begins a letter, and those that join it. */
static void test_hook_each_time(void **state) {
    hooks k = {.says = FH_OK};
    const fh_pool_config config = {.capacity = 64, .threads = FH_POOL_SHARED, .fini = counts_fini, .hook_ctx = &k};
    fh_pool *pool = new_with(fh_test_allocator(state), config), *view = attach(pool);
    fh_handle h[4];
    for (int i = 0; i < 4; i++)
        h[i] = alloc_one(pool);
    for (int i = 0; i < 4; i++) {
        fh_assert_ok(fh_pool_release(i == 0 ? pool : view, h[i]));
        assert_int_equal(k.finis, i + 1);
    }
    end(pool, view);
    assert_int_equal(k.finis, 4);
}

static void test_batches(void **state) {
    fh_pool *pool = new_pool(fh_test_allocator(state), 40), *view = attach(pool);
    fh_handle h[40], more[2];
    fh_assert_ok(fh_pool_alloc_n(pool, 39, h));
    fh_assert_code(fh_pool_alloc_n(view, 2, more), FH_EXHAUSTED);
    assert_true(more[0].value == 0 && more[1].value == 0);
    assert_int_equal(fh_pool_stats_get(pool).live, 39);
    check(pool);
    fh_assert_ok(fh_pool_release_n(view, 39, h));
    fh_assert_ok(fh_pool_reap(view));
    fh_assert_ok(fh_pool_alloc_n(pool, 39, h));
    end(pool, view);
}

/* --- many threads ------------------------------------------------------------------------------------------------- */

static void test_races(void **state) {
    (void)race_all(fh_test_allocator(state), FH_POOL_SHARED);
}

static void test_traffic(void **state) {
    traffic_all(fh_test_allocator(state), FH_POOL_SHARED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_release_elsewhere),
        FH_TEST_ALLOC(test_who_may),
        FH_TEST_ALLOC(test_overwritten_mark),
        FH_TEST_ALLOC(test_letter_to_old_owner),
        FH_TEST_ALLOC(test_letters),
        FH_TEST_ALLOC(test_idle_views),
        FH_TEST_ALLOC(test_reset),
        FH_TEST_ALLOC(test_worn),
        FH_TEST_ALLOC(test_hooks),
        FH_TEST_ALLOC(test_hook_each_time),
        FH_TEST_ALLOC(test_batches),
        FH_TEST_ALLOC(test_races),
        FH_TEST_ALLOC(test_traffic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
