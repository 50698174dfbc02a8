/* test_pool_local.c: how a pool of one thread finds its free slots, and how the peak follows from that. */
#include "pool_test.h"

/* The slot released last is used first: it is still in the cache. Fresh slots come in order, and only when no other is free. */
static void test_order(void **state) {
    for (int eager = 0; eager < 2; eager++) {
        fh_pool *pool = new_with(fh_test_allocator(state), (fh_pool_config){.capacity = 5, .eager = eager});
        fh_handle h[5], again;
        for (uint32_t i = 0; i < 5; i++) {
            fh_assert_ok(fh_pool_alloc(pool, &h[i], NULL));
            assert_int_equal((uint32_t)h[i].value, i);
            if (i == 3) {
                fh_assert_ok(fh_pool_release(pool, h[0]));
                fh_assert_ok(fh_pool_release(pool, h[2]));
                fh_assert_ok(fh_pool_alloc(pool, &again, NULL));
                assert_int_equal((uint32_t)again.value, 2);
                fh_assert_ok(fh_pool_alloc(pool, &again, NULL));
                assert_int_equal((uint32_t)again.value, 0);
            }
            check(pool);
        }
        fh_pool_free(pool);
    }
}

static void test_peak(void **state) {
    for (int eager = 0; eager < 2; eager++) {
        fh_pool *pool = new_with(fh_test_allocator(state), (fh_pool_config){.capacity = 8, .eager = eager});
        fh_handle h[8];
        fh_assert_ok(fh_pool_alloc_n(pool, 5, h));
        fh_assert_ok(fh_pool_release_n(pool, 5, h));
        fh_assert_ok(fh_pool_alloc_n(pool, 3, h));
        assert_int_equal(fh_pool_stats_get(pool).peak, 5);
        fh_pool_stats_reset(pool);
        check(pool);
        fh_pool_stats s = fh_pool_stats_get(pool);
        assert_true(s.peak == 3 && s.live == 3 && s.allocs == 0 && s.releases == 0);
        fh_assert_ok(fh_pool_release(pool, h[2]));
        fh_assert_ok(fh_pool_alloc_n(pool, 2, h + 2));
        s = fh_pool_stats_get(pool);
        assert_true(s.peak == 4 && s.live == 4 && s.allocs == 2 && s.releases == 1);
        fh_assert_ok(fh_pool_reset(pool));
        fh_pool_stats_reset(pool);
        assert_int_equal(fh_pool_stats_get(pool).peak, 0);
        fh_assert_ok(fh_pool_alloc_n(pool, 8, h));
        assert_int_equal(fh_pool_stats_get(pool).peak, 8);
        check(pool);
        fh_pool_free(pool);
    }
}

typedef struct seen {
    fh_pool *pool;
    uint64_t live, peak;
} seen;

static fh_status look_and_fail(void *ctx, void *slot) {
    seen *k = ctx;
    (void)slot;
    fh_pool_stats s = fh_pool_stats_get(k->pool);
    k->live = s.live;
    k->peak = s.peak;
    return FH_STATUS(FH_IO);
}

/* A slot whose init hook is at work is live, and counts for the peak; the hook fails, and all is as it was. */
static void test_peak_in_hook(void **state) {
    seen k = {0};
    k.pool = new_with(fh_test_allocator(state), (fh_pool_config){.capacity = 2, .init = look_and_fail, .hook_ctx = &k});
    fh_handle h;
    for (int i = 0; i < 3; i++) {
        fh_assert_code(fh_pool_alloc(k.pool, &h, NULL), FH_IO);
        fh_pool_stats s = fh_pool_stats_get(k.pool);
        assert_true(k.live == 1 && k.peak == 1 && s.live == 0 && s.peak == 1 && s.allocs == 0 && s.failures == (uint64_t)i + 1);
        check(k.pool);
    }
    fh_pool_free(k.pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_order),
        FH_TEST_ALLOC(test_peak),
        FH_TEST_ALLOC(test_peak_in_hook),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
