/* test_pool_depot.c: slots that any thread borrows and releases: borrows across views, magazines; races and traffic. */
#include "pool_test.h"

#include "mem/pool/pool_views.h"

static fh_pool *new_pool(fh_allocator *a, uint32_t capacity) {
    return new_with(a, (fh_pool_config){.capacity = capacity, .threads = FH_POOL_SHARED_BORROW});
}

/* --- borrows ------------------------------------------------------------------------------------------------------ */

static void test_borrows(void **state) {
    fh_pool *pool = new_pool(fh_test_allocator(state), 8), *view = attach(pool);
    fh_handle h = alloc_one(pool);
    const void *read;
    void *at;
    fh_assert_code(fh_pool_get(pool, h, &at), FH_UNSUPPORTED); /* somebody may release it meanwhile */
    fh_assert_code(fh_pool_view(view, h, &read), FH_UNSUPPORTED);

    fh_assert_ok(fh_pool_borrow(pool, h, &read));
    fh_assert_ok(fh_pool_borrow(view, h, &read));
    fh_assert_code(fh_pool_borrow_mut(view, h, &at), FH_BORROWED);
    fh_assert_code(fh_pool_release(view, h), FH_BORROWED);
    fh_assert_code(fh_pool_release(pool, h), FH_BORROWED);
    fh_assert_ok(fh_pool_borrow_end(view, h)); /* by any view: the pool counts, it does not know names */
    fh_assert_ok(fh_pool_borrow_end(view, h));
    fh_assert_code(fh_pool_borrow_end(pool, h), FH_INVALID);

    fh_assert_ok(fh_pool_borrow_mut(view, h, &at));
    fh_assert_code(fh_pool_borrow(pool, h, &read), FH_BORROWED);
    fh_assert_code(fh_pool_pin(pool, h, &at), FH_BORROWED);
    fh_assert_code(fh_pool_release(pool, h), FH_BORROWED);
    fh_assert_ok(fh_pool_borrow_mut_end(view, h));
    fh_assert_ok(fh_pool_pin(view, h, &at));
    fh_assert_code(fh_pool_release(pool, h), FH_BORROWED);
    fh_assert_ok(fh_pool_unpin(view, h));

    fh_assert_ok(fh_pool_release(view, h));
    fh_assert_code(fh_pool_borrow(pool, h, &read), FH_STALE);
    fh_assert_code(fh_pool_release(pool, h), FH_DOUBLE_FREE);
    check(pool);
    fh_assert_ok(fh_pool_detach(view));
    fh_pool_free(pool);
}

static void test_counted(void **state) {
    fh_pool *pool = new_pool(fh_test_allocator(state), 8), *view = attach(pool);
    fh_handle h = alloc_one(pool);
    fh_assert_ok(fh_pool_share(pool, h));
    fh_assert_ok(fh_pool_upgrade(view, h));
    fh_assert_code(fh_pool_release(view, h), FH_BORROWED);
    fh_assert_ok(fh_pool_drop(pool, h));
    fh_assert_ok(fh_pool_upgrade(view, h));
    fh_assert_ok(fh_pool_drop(view, h));
    assert_int_equal(fh_pool_stats_get(pool).live, 1);
    fh_assert_ok(fh_pool_drop(view, h));
    assert_int_equal(fh_pool_stats_get(pool).live, 0);
    fh_assert_code(fh_pool_upgrade(pool, h), FH_STALE);
    fh_assert_code(fh_pool_drop(pool, h), FH_DOUBLE_FREE);
    fh_assert_ok(fh_pool_detach(view));
    fh_pool_free(pool);
}

/* Two threads drop two references: one of them ends the life. */
typedef struct counted {
    fh_pool *pool;
    fh_handle h[256];
    uint32_t ready, bad;
} counted;

static void *drops(void *arg) {
    counted *c = arg;
    fh_pool *view = NULL;
    uint32_t bad = fh_failed(fh_pool_attach(c->pool, &view));
    fh_fetch_add(&c->ready, 1, FH_ACQ_REL);
    while (fh_load(&c->ready, FH_ACQUIRE) < 2)
        fh_pause();
    for (int i = 0; i < 256 && bad == 0; i++) {
        bad += fh_failed(fh_pool_upgrade(view, c->h[i]));
        bad += fh_failed(fh_pool_drop(view, c->h[i]));
        bad += fh_failed(fh_pool_drop(view, c->h[i]));
    }
    fh_fetch_add(&c->bad, bad, FH_RELAXED);
    return NULL;
}

static void test_last_drop(void **state) {
    counted c = {.pool = new_pool(fh_test_allocator(state), 256)};
    for (int round = 0; round < 20; round++) {
        pthread_t threads[2];
        c.ready = 0;
        for (int i = 0; i < 256; i++) {
            c.h[i] = alloc_one(c.pool);
            fh_assert_ok(fh_pool_share(c.pool, c.h[i]));
            fh_assert_ok(fh_pool_upgrade(c.pool, c.h[i]));
        }
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, drops, &c), 0);
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(c.bad, 0);
        assert_int_equal(fh_pool_stats_get(c.pool).live, 0);
    }
    check(c.pool);
    fh_pool_free(c.pool);
}

/* --- magazines ---------------------------------------------------------------------------------------------------- */

static void test_magazines(void **state) {
    enum { SLOTS = 512, MAGAZINE = 512 / 16 };
    fh_pool *pool = new_pool(fh_test_allocator(state), SLOTS), *view = attach(pool);
    fh_handle h[SLOTS], more;
    for (int i = 0; i < SLOTS; i++)
        h[i] = alloc_one(pool);
    fh_assert_code(fh_pool_alloc(view, &more, NULL), FH_EXHAUSTED);
    /* A view holds back two magazines; what is more is everybody's. */
    for (int i = 0; i < 2 * MAGAZINE; i++)
        fh_assert_ok(fh_pool_release(pool, h[i]));
    fh_assert_code(fh_pool_alloc(view, &more, NULL), FH_EXHAUSTED);
    fh_assert_ok(fh_pool_release(pool, h[2 * MAGAZINE]));
    for (int i = 0; i < MAGAZINE; i++)
        h[i] = alloc_one(view);
    fh_assert_code(fh_pool_alloc(view, &more, NULL), FH_EXHAUSTED);
    check(pool);
    /* A reap gives them all to the depot. */
    fh_assert_ok(fh_pool_reap(pool));
    for (int i = MAGAZINE; i < 2 * MAGAZINE + 1; i++)
        h[i] = alloc_one(view);
    assert_int_equal(fh_pool_stats_get(pool).live, SLOTS);
    /* So does a detach. */
    for (int i = 0; i < 7; i++)
        fh_assert_ok(fh_pool_release(view, h[i]));
    fh_assert_ok(fh_pool_detach(view));
    for (int i = 0; i < 7; i++)
        h[i] = alloc_one(pool);
    fh_assert_ok(fh_pool_release_n(pool, SLOTS, h));
    fh_assert_ok(fh_pool_alloc_n(pool, SLOTS, h));
    check(pool);
    fh_pool_free(pool);
}

/* Without memory for a magazine a release is accepted all the same, and the slot is found again. */
static void test_no_block(void **state) {
    fh_trace *trace = fh_test_trace(state);
    fh_pool *pool = new_with(fh_test_allocator(state), (fh_pool_config){.capacity = 8, .threads = FH_POOL_SHARED_BORROW});
    fh_handle h[8];
    for (int i = 0; i < 8; i++) {
        fh_trace_fail_at(trace, 1);
        h[i] = alloc_one(pool);
    }
    for (int i = 0; i < 8; i++) {
        fh_trace_fail_at(trace, 1);
        fh_assert_ok(fh_pool_release(pool, h[i]));
        check(pool);
    }
    fh_trace_fail_at(trace, 0);
    assert_int_equal(fh_pool_stats_get(pool).live, 0);
    for (int i = 0; i < 8; i++)
        h[i] = alloc_one(pool);
    check(pool);
    fh_pool_free(pool);
}

static void test_worn(void **state) {
    const fh_pool_config config = {.capacity = 1, .threads = FH_POOL_SHARED_BORROW};
    fh_pool *pool = new_narrow(fh_test_allocator(state), config, 4), *view = attach(pool);
    fh_handle h;
    for (int life = 0; life < 6; life++) {
        fh_pool *who = life % 2 == 0 ? pool : view;
        fh_assert_ok(fh_pool_release(who, alloc_one(pool)));
        fh_assert_ok(fh_pool_reap(who));
    }
    fh_assert_code(fh_pool_alloc(pool, &h, NULL), FH_EXHAUSTED);
    assert_int_equal(fh_pool_stats_get(pool).retired, 1);
    check(pool);
    fh_assert_ok(fh_pool_detach(view));
    fh_pool_free(pool);
}

/* --- hooks -------------------------------------------------------------------------------------------------------- */

typedef struct hooks {
    int inits, finis;
    fh_code says;
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
    return FH_DONE;
}

static void test_hooks(void **state) {
    for (int eager = 0; eager < 2; eager++) {
        hooks k = {.says = FH_IO};
        const fh_pool_config config = {.capacity = 2, .threads = FH_POOL_SHARED_BORROW, .eager = eager, .init = counts_init,
                                       .fini = counts_fini, .hook_ctx = &k};
        fh_pool *pool = new_with(fh_test_allocator(state), config);
        fh_pool *view = attach(pool);
        fh_handle h;
        fh_assert_code(fh_pool_alloc(pool, &h, NULL), FH_IO);
        fh_assert_code(fh_pool_alloc(pool, &h, NULL), FH_IO);
        check(pool);
        k.says = FH_OK;
        h = alloc_one(pool);
        (void)alloc_one(pool);
        fh_assert_code(fh_pool_alloc(pool, &(fh_handle){0}, NULL), FH_EXHAUSTED);
        fh_assert_ok(fh_pool_release(view, h));
        fh_assert_ok(fh_pool_reap(view));
        (void)alloc_one(pool);
        assert_int_equal(k.inits, eager ? 4 : 5);
        assert_int_equal(k.finis, eager ? 0 : 1);
        check(pool);
        fh_assert_ok(fh_pool_detach(view));
        fh_pool_free(pool);
        assert_int_equal(k.finis, eager ? 2 : 3);
    }
}

/* --- many threads ------------------------------------------------------------------------------------------------- */

static void test_races(void **state) {
    assert_int_equal(race_all(fh_test_allocator(state), FH_POOL_SHARED_BORROW).late, 0); /* every one is refused at once */
}

static void test_traffic(void **state) {
    traffic_all(fh_test_allocator(state), FH_POOL_SHARED_BORROW);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_borrows),
        FH_TEST_ALLOC(test_counted),
        FH_TEST_ALLOC(test_last_drop),
        FH_TEST_ALLOC(test_magazines),
        FH_TEST_ALLOC(test_no_block),
        FH_TEST_ALLOC(test_worn),
        FH_TEST_ALLOC(test_hooks),
        FH_TEST_ALLOC(test_races),
        FH_TEST_ALLOC(test_traffic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
