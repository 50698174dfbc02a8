/* test_pool_region.c: the memory of pools: growth, alignment, slots that never move and keep their distance, trimming. Built
 * twice, the second time with FH_MEM_CHUNKED. */
#include "pool_test.h"

#include <string.h>
#include <sys/wait.h>

#include "freehold/os.h"
#include "model_pool.h"

/* --- growth ------------------------------------------------------------------------------------------------------------- */

static uint32_t next_prime(void *ctx, uint32_t capacity) {
    static const uint32_t primes[] = {3, 7, 31, 127, 1 << 30};
    ++*(int *)ctx;
    for (size_t i = 0; i < sizeof primes / sizeof primes[0]; i++)
        if (primes[i] > capacity)
            return primes[i];
    return 0;
}
static uint32_t next_never(void *ctx, uint32_t capacity) {
    (void)ctx;
    return capacity == 2 ? 5 : 1; /* once, and then no more */
}

static void test_growth(void **state) {
    int calls = 0;
    enum { STEPS = 8 };
    const struct row {
        uint32_t capacity, max_capacity;
        fh_growth growth;
        uint32_t expected[STEPS]; /* capacities, one after the other, until there are no more */
    } rows[] = {
        {3, 0, {.kind = FH_GROW_NONE}, {3}},
        {3, 10, {.kind = FH_GROW_LINEAR, .slots = 3}, {3, 6, 9, 10}},
        {4, 11, {.kind = FH_GROW_LINEAR}, {4, 8, 11}}, /* by the first capacity */
        {100, 150, {.kind = FH_GROW_EXPONENTIAL, .percent = 200}, {100, 150}}, /* clamped, not refused */
        {3, 40, {.kind = FH_GROW_EXPONENTIAL}, {3, 6, 12, 24, 40}},
        {5, 9, {.kind = FH_GROW_EXPONENTIAL, .percent = 110}, {5, 6, 7, 8, 9}},
        {2, 100, {.kind = FH_GROW_CUSTOM, .next = next_prime, .ctx = &calls}, {2, 3, 7, 31, 100}},
        {2, 100, {.kind = FH_GROW_CUSTOM, .next = next_never}, {2, 5}},
        {4, 4, {.kind = FH_GROW_LINEAR, .slots = UINT32_MAX}, {4}},
        {4, 9, {.kind = FH_GROW_LINEAR, .slots = UINT32_MAX}, {4, 9}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fh_pool *pool = new_with(fh_test_allocator(state), (fh_pool_config){.size_bytes = 300, .capacity = rows[i].capacity,
                                                                            .max_capacity = rows[i].max_capacity,
                                                                            .growth = rows[i].growth});
        uint32_t last = rows[i].capacity;
        size_t step = 0;
        fh_handle h;
        for (uint32_t live = 1;; live++) {
            fh_status s = fh_pool_alloc(pool, &h, NULL);
            fh_pool_stats stats = fh_pool_stats_get(pool);
            if (fh_failed(s)) {
                assert_int_equal(s.code, FH_EXHAUSTED);
                assert_int_equal(live - 1, stats.capacity); /* never before it is full */
                break;
            }
            if (stats.capacity != last)
                step++;
            last = (uint32_t)stats.capacity;
            assert_int_equal(stats.capacity, rows[i].expected[step]);
            assert_int_equal(stats.growths, step);
        }
        assert_true(step == STEPS - 1 || rows[i].expected[step + 1] == 0);
        check(pool);
        fh_pool_free(pool);
    }
    assert_true(calls >= 3);
}

/* Without a maximum of its own a pool grows on; no slot moves while it does. */
static void test_grows_far(void **state) {
    enum { SLOTS = 20000 };
    static fh_handle h[SLOTS];
    static void *at[SLOTS];
    const fh_pool_config config = {.size_bytes = 24, .natural_align_bytes = 8, .capacity = 1,
                                   .growth = {.kind = FH_GROW_EXPONENTIAL}};
    fh_pool *pool = new_with(fh_test_allocator(state), config);
    for (uint32_t i = 0; i < SLOTS; i++) {
        fh_assert_ok(fh_pool_alloc(pool, &h[i], &at[i]));
        memcpy(at[i], &h[i], sizeof h[i]);
    }
    for (uint32_t i = 0; i < SLOTS; i++) {
        void *now;
        fh_assert_ok(fh_pool_get(pool, h[i], &now));
        assert_ptr_equal(now, at[i]);
        assert_memory_equal(now, &h[i], sizeof h[i]);
    }
    assert_int_equal(fh_pool_stats_get(pool).growths, 15);
    check(pool);
    fh_pool_free(pool);
}

/* --- slots -------------------------------------------------------------------------------------------------------------- */

/* Slots keep their distance and alignment for any size. */
static void test_slots(void **state) {
    static const size_t sizes[] = {1, 15, 16, 17, 63, 64, 65, 200, 5000}, aligns[] = {0, 1, 8, 16, 64, 256, 4096, 65536};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
        for (size_t n = 0; n < sizeof aligns / sizeof aligns[0]; n++) {
            enum { SLOTS = 5 };
            fh_handle h[SLOTS];
            void *at[SLOTS];
            size_t align = aligns[n] == 0 ? 16 : aligns[n];
            fh_pool_config config = {.size_bytes = sizes[k], .align_bytes = aligns[n], .capacity = 2, .max_capacity = SLOTS,
                                     .natural_align_bytes = align < 16 ? align : 16, .growth = {.kind = FH_GROW_LINEAR}};
            fh_pool *pool = new_with(fh_test_allocator(state), config);
            for (size_t i = 0; i < SLOTS; i++) {
                fh_assert_ok(fh_pool_alloc(pool, &h[i], &at[i]));
                assert_int_equal((uintptr_t)at[i] % align, 0);
                memset(at[i], (int)i + 1, sizes[k]);
            }
            for (size_t i = 0; i < SLOTS; i++) {
                void *same;
                fh_assert_ok(fh_pool_get(pool, h[i], &same));
                assert_ptr_equal(same, at[i]);
                const uint8_t *bytes = same;
                assert_true(bytes[0] == i + 1 && memcmp(bytes, bytes + 1, sizes[k] - 1) == 0);
            }
            fh_pool_free(pool);
        }
}

#if !FH_MEM_CHUNKED
static void run_over_end(void *arg) {
    volatile uint8_t *at = arg;
    for (size_t i = 0; i < 2 * fh_os_page_bytes(); i++)
        at[i] = 1;
}
static void run_under_beginning(void *arg) {
    volatile uint8_t *at = arg;
    for (size_t i = 0; i < fh_os_page_bytes(); i++)
        *(at - i) = 1;
}

/* An object that runs out of the slots, on either side, meets a page that traps before it meets anything else. */
static void test_guard_pages(void **state) {
    fh_test_skip_on_valgrind("the child dies by a signal on purpose");
    fh_pool *pool = new_with(fh_test_allocator(state), (fh_pool_config){.size_bytes = 64, .capacity = 10});
    fh_handle h;
    void *at;
    char said[256];
    fh_assert_ok(fh_pool_alloc(pool, &h, &at));
    int over = fh_test_child(run_over_end, at, said, sizeof said);
    int under = fh_test_child(run_under_beginning, at, said, sizeof said);
#ifndef FH_TEST_SANITIZED
    assert_true(WIFSIGNALED(over) && WTERMSIG(over) == 11 && WIFSIGNALED(under) && WTERMSIG(under) == 11);
#else
    assert_true(over != 0 && under != 0);
#endif
    const fh_pool_core *core = pool->core;
    uintptr_t end = (uintptr_t)core->region + core->region_bytes, slots_end = (uintptr_t)core->base + core->base_committed;
    assert_int_equal(end - slots_end, fh_os_page_bytes()); /* the page that trapped is its own */
    fh_pool_free(pool);
}
#endif

/* --- trim --------------------------------------------------------------------------------------------------------------- */

#if !FH_MEM_CHUNKED
static void touch(void *arg) {
    *(volatile uint8_t *)arg = 1;
}

/* A pointer to a slot that was trimmed is not merely stale: it traps. */
static void test_trim_traps(void **state) {
    fh_pool_config config = {.size_bytes = 4096, .capacity = 1, .max_capacity = 4, .growth = {.kind = FH_GROW_EXPONENTIAL}};
    fh_pool *pool = new_with(fh_test_allocator(state), config);
    fh_handle h[4];
    void *at;
    char said[256];
    fh_assert_ok(fh_pool_alloc_n(pool, 4, h));
    fh_assert_ok(fh_pool_get(pool, h[3], &at));
    assert_int_equal(fh_test_child(touch, at, said, sizeof said), 0);
    fh_assert_ok(fh_pool_release(pool, h[3]));
    assert_int_equal(fh_pool_trim(pool), 4096);
    assert_int_not_equal(fh_test_child(touch, at, said, sizeof said), 0);
    fh_pool_free(pool);
}
#endif

/* Free memory at the end goes back; what is behind it stays dead and can be used anew. */
static void test_trim(void **state) {
    enum { SLOTS = 64 };
    fh_handle h[SLOTS], again[SLOTS];
    void *at;
    fh_pool_config config = {.size_bytes = 4096, .capacity = 8, .max_capacity = SLOTS, .growth = {.kind = FH_GROW_EXPONENTIAL}};
    fh_pool *pool = new_with(fh_test_allocator(state), config);
    fh_assert_ok(fh_pool_alloc_n(pool, SLOTS, h));
    assert_int_equal(fh_pool_trim(pool), 0); /* all are live */
    for (size_t i = 10; i < SLOTS; i++) {
        fh_assert_ok(fh_pool_get(pool, h[i], &at));
        memset(at, 0xee, 4096);
        fh_assert_ok(fh_pool_release(pool, h[i]));
    }
    fh_pool_stats before = fh_pool_stats_get(pool);
    size_t bytes = fh_pool_trim(pool);
    fh_pool_stats after = fh_pool_stats_get(pool);
    assert_true(bytes >= 48 * 4096 && before.committed_bytes - after.committed_bytes == bytes);
    assert_int_equal(after.capacity, 10);
    assert_true(after.live == 10 && after.allocs == SLOTS && after.releases == 54 && after.peak == SLOTS);
    check(pool);
    for (size_t i = 0; i < SLOTS; i++) /* no lookup faults */
        fh_assert_code(fh_pool_get(pool, h[i], &at), i < 10 ? FH_OK : FH_STALE);
    fh_assert_code(fh_pool_release(pool, h[63]), FH_DOUBLE_FREE);
    for (size_t i = 0; i < 54; i++) {
        fh_assert_ok(fh_pool_alloc(pool, &again[i], &at));
        assert_true(((uint8_t *)at)[0] == 0 && ((uint8_t *)at)[4095] == 0);
        for (size_t k = 0; k < SLOTS; k++)
            assert_true(again[i].value != h[k].value); /* their generations went on */
    }
    fh_assert_code(fh_pool_alloc(pool, &again[54], NULL), FH_EXHAUSTED);
    check(pool);
    fh_assert_ok(fh_pool_reset(pool));
    assert_true(fh_pool_trim(pool) > 0);
    assert_int_equal(fh_pool_stats_get(pool).capacity, 8); /* not below the first */
    assert_int_equal(fh_pool_trim(pool), 0);
    check(pool);
    fh_pool_free(pool);
}

/* Retired slots beyond the trimmed end are not used again when the pool grows back over them. */
static void test_trim_retired(void **state) {
    fh_pool_config config = {.size_bytes = 4096, .capacity = 1, .max_capacity = 4, .growth = {.kind = FH_GROW_LINEAR}};
    fh_pool *pool;
    fh_handle h[4], last;
    uint64_t lives = 4;
    fh_assert_ok(fh_pool_new_narrow(fh_test_allocator(state), &config, 3, &pool));
    fh_assert_ok(fh_pool_alloc_n(pool, 4, h));
    fh_assert_ok(fh_pool_release(pool, h[3]));
    fh_assert_ok(fh_pool_alloc(pool, &last, NULL)); /* the last life of slot 3 */
    lives++;
    fh_assert_ok(fh_pool_release(pool, last));
    assert_int_equal(fh_pool_stats_get(pool).retired, 1);
    fh_assert_ok(fh_pool_release(pool, h[1]));
    fh_assert_ok(fh_pool_release(pool, h[2]));
    assert_true(fh_pool_trim(pool) > 0);
    assert_int_equal(fh_pool_stats_get(pool).retired, 1);
    check(pool);
    for (; !fh_failed(fh_pool_alloc(pool, &last, NULL)); lives++)
        assert_true((uint32_t)last.value != 3);
    assert_int_equal(lives, 7);
    check(pool);
    fh_pool_free(pool);
}

static void test_trim_leaves_eager_pools_alone(void **state) {
    fh_pool *pool = new_with(fh_test_allocator(state), (fh_pool_config){.size_bytes = 4096, .capacity = 1, .max_capacity = 64,
                                                                        .growth = {.kind = FH_GROW_LINEAR}, .eager = true});
    fh_handle h[20];
    fh_assert_ok(fh_pool_alloc_n(pool, 20, h));
    fh_assert_ok(fh_pool_reset(pool));
    assert_int_equal(fh_pool_trim(pool), 0);
    fh_pool_free(pool);
}

/* --- without memory, at random ---------------------------------------------------------------------------------------- */

static fh_status grow_and_trim(fh_allocator *a, void *arg) {
    fh_pool *pool;
    fh_handle h[30];
    (void)arg;
    fh_pool_config config = {.size_bytes = 3000, .align_bytes = 128, .capacity = 3, .max_capacity = 30,
                             .growth = {.kind = FH_GROW_EXPONENTIAL}};
    FH_TRY(fh_pool_new(a, &config, &pool));
    fh_status s = FH_DONE;
    for (int round = 0; round < 2 && !fh_failed(s); round++) {
        s = fh_pool_alloc_n(pool, 30, h);
        fh_pool_stats stats = fh_pool_stats_get(pool);
        assert_true(stats.live == (fh_failed(s) ? 0 : 30) && stats.failures == fh_failed(s));
        if (!fh_failed(s))
            s = fh_pool_release_n(pool, 30, h);
        (void)fh_pool_trim(pool);
    }
    if (s.code == FH_NOMEM) { /* it recovers */
        fh_assert_ok(fh_pool_alloc_n(pool, 30, h));
        check(pool);
    }
    fh_pool_free(pool);
    return s;
}

static void test_without_memory(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), grow_and_trim, NULL) >= 10);
}

static void test_model(void **state) {
    fh_test_rng rng = fh_test_rng_new(32);
    uint8_t ops[2001];
    for (uint64_t left = fh_test_ops() / 10, n = sizeof ops / 2; left > n; left -= n) {
        for (size_t i = 0; i < sizeof ops; i++)
            ops[i] = (uint8_t)fh_test_rng_next(&rng);
        model_pool_run(fh_test_allocator(state), (fh_span){ops, sizeof ops});
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_growth),
        FH_TEST_ALLOC(test_grows_far),
        FH_TEST_ALLOC(test_slots),
#if !FH_MEM_CHUNKED
        FH_TEST_ALLOC(test_guard_pages),
#endif
        FH_TEST_ALLOC(test_trim),
#if !FH_MEM_CHUNKED
        FH_TEST_ALLOC(test_trim_traps),
#endif
        FH_TEST_ALLOC(test_trim_retired),
        FH_TEST_ALLOC(test_trim_leaves_eager_pools_alone),
        FH_TEST_ALLOC(test_without_memory),
        FH_TEST_ALLOC(test_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
