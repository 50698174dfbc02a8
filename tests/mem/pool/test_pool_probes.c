/* test_pool_probes.c: what other object pools document and do not do, each as a test that passes here.
 *
 * The first eleven are probes on which fastalloc 1.5.0 (Rust, github.com/TIVerse/fastalloc at 30a173a) fails; the last is a
 * use after free that safe code can make there, because an index alone, without the life it belongs to, reaches and frees a
 * slot. */
/* tidy: exempt mirror: tests the promises of pool.h */
#include "fh_test.h"

#include <pthread.h>

#include "freehold/pool.h"

typedef struct thing {
    uint64_t id;
    fh_handle next;
} thing;

typedef struct log {
    fh_pool *pool;
    unsigned inits, resets, finis;
    bool fail_init, fail_fini;
} log;

static fh_status log_init(void *ctx, void *slot) {
    log *l = ctx;
    ((thing *)slot)->id = 42;
    l->inits++;
    return FH_STATUS(l->fail_init ? FH_IO : FH_OK);
}
static fh_status log_reset(void *ctx, void *slot) {
    (void)slot;
    ((log *)ctx)->resets++;
    return FH_DONE;
}
static fh_status log_fini(void *ctx, void *slot) {
    log *l = ctx;
    const thing *t = slot;
    l->finis++;
    if (t->next.value != 0)
        return fh_pool_release(l->pool, t->next);
    return FH_STATUS(l->fail_fini ? FH_IO : FH_OK);
}

static fh_pool *new_with(void **state, fh_pool_config config) {
    fh_pool *pool = NULL;
    config.size_bytes = sizeof(thing);
    fh_assert_ok(fh_pool_new(fh_test_allocator(state), &config, &pool));
    return pool;
}

static void probe_alignment_is_honoured(void **state) {
    for (size_t align = 16; align <= 8192; align *= 2) {
        fh_pool *pool = new_with(state, (fh_pool_config){.capacity = 3, .align_bytes = align});
        for (int i = 0; i < 3; i++) {
            fh_handle h;
            void *at;
            fh_assert_ok(fh_pool_alloc(pool, &h, &at));
            assert_int_equal((uintptr_t)at % align, 0);
        }
        fh_pool_free(pool);
    }
}

static void probe_alignment_below_natural_is_refused(void **state) {
    fh_pool *pool;
    const fh_pool_config config = {.size_bytes = sizeof(thing), .capacity = 3, .natural_align_bytes = 8, .align_bytes = 4};
    fh_assert_code(fh_pool_new(fh_test_allocator(state), &config, &pool), FH_INVALID);
    assert_null(pool);
}

static void probe_init_and_reset_are_called(void **state) {
    log l = {0};
    fh_pool *pool = new_with(state, (fh_pool_config){.capacity = 2, .eager = true, .init = log_init, .reset = log_reset,
                                                     .fini = log_fini, .hook_ctx = &l});
    assert_int_equal(l.inits, 2);
    fh_handle h;
    void *at;
    fh_assert_ok(fh_pool_alloc(pool, &h, &at));
    assert_int_equal(((thing *)at)->id, 42);
    fh_assert_ok(fh_pool_release(pool, h));
    assert_int_equal(l.resets, 1);
    fh_pool_free(pool);
    assert_int_equal(l.finis, 2);
}

static void probe_failures_are_counted(void **state) {
    fh_pool *pool = new_with(state, (fh_pool_config){.capacity = 1});
    fh_handle h;
    fh_assert_ok(fh_pool_alloc(pool, &h, NULL));
    for (unsigned i = 1; i <= 3; i++) {
        fh_assert_code(fh_pool_alloc(pool, &h, NULL), FH_EXHAUSTED);
        assert_int_equal(fh_pool_stats_get(pool).failures, i);
    }
    fh_pool_free(pool);
}

static void probe_leftovers_are_destroyed_with_the_pool(void **state) {
    log l = {0};
    fh_pool *pool = new_with(state, (fh_pool_config){.capacity = 4, .fini = log_fini, .hook_ctx = &l});
    fh_handle h[3];
    fh_assert_ok(fh_pool_alloc_n(pool, 3, h));
    fh_assert_ok(fh_pool_release(pool, h[1]));
    fh_pool_free(pool);
    assert_int_equal(l.finis, 3);
}

static void probe_slot_returns_when_the_release_hook_fails(void **state) {
    log l = {.fail_fini = true};
    fh_pool *pool = new_with(state, (fh_pool_config){.capacity = 1, .fini = log_fini, .hook_ctx = &l});
    for (int i = 0; i < 5; i++) {
        fh_handle h;
        fh_assert_ok(fh_pool_alloc(pool, &h, NULL));
        fh_assert_code(fh_pool_release(pool, h), FH_IO);
    }
    fh_pool_free(pool);
}

static void probe_slot_returns_when_the_acquire_hook_fails(void **state) {
    log l = {.fail_init = true};
    fh_pool *pool = new_with(state, (fh_pool_config){.capacity = 1, .init = log_init, .hook_ctx = &l});
    fh_handle h;
    for (int i = 0; i < 5; i++)
        fh_assert_code(fh_pool_alloc(pool, &h, NULL), FH_IO);
    l.fail_init = false;
    fh_assert_ok(fh_pool_alloc(pool, &h, NULL));
    fh_pool_free(pool);
}

static void probe_growth_is_clamped_to_the_maximum(void **state) {
    fh_pool *pool = new_with(state, (fh_pool_config){.capacity = 100, .max_capacity = 150,
                                                     .growth = {.kind = FH_GROW_EXPONENTIAL, .percent = 200}});
    static fh_handle h[150];
    fh_assert_ok(fh_pool_alloc_n(pool, 150, h));
    assert_int_equal(fh_pool_stats_get(pool).capacity, 150);
    fh_assert_code(fh_pool_alloc(pool, &h[0], NULL), FH_EXHAUSTED);
    fh_pool_free(pool);
}

static void probe_absurd_capacity_is_an_error(void **state) {
    static const fh_pool_config absurd[] = {
        {.size_bytes = 1 << 20, .capacity = FH_POOL_SLOTS_MAX},
        {.size_bytes = SIZE_MAX, .capacity = 1},
        {.size_bytes = 64, .capacity = UINT32_MAX},
    };
    for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
        fh_pool *pool;
        fh_status s = fh_pool_new(fh_test_allocator(state), &absurd[i], &pool);
        assert_true(s.code == FH_NOMEM || s.code == FH_LIMIT);
        assert_null(pool);
    }
}

static void probe_list_in_one_pool_can_be_destroyed(void **state) {
    log l = {0};
    l.pool = new_with(state, (fh_pool_config){.capacity = 100, .fini = log_fini, .hook_ctx = &l});
    fh_handle h, next = {0};
    for (int i = 0; i < 100; i++) {
        void *at;
        fh_assert_ok(fh_pool_alloc(l.pool, &h, &at));
        ((thing *)at)->next = next;
        next = h;
    }
    fh_assert_ok(fh_pool_release(l.pool, h));
    assert_true(l.finis == 100 && fh_pool_stats_get(l.pool).live == 0);
    fh_pool_free(l.pool);
}

static void *fail_once(void *arg) {
    log *l = arg;
    fh_pool_adopt(l->pool);
    fh_handle h;
    fh_assert_code(fh_pool_alloc(l->pool, &h, NULL), FH_IO);
    return NULL;
}

/* There, a hook that fails in one thread makes every later call of every thread fail. */
static void probe_pool_survives_a_failing_hook_in_another_thread(void **state) {
    for (fh_pool_threads threads = FH_POOL_CONFINED; threads <= FH_POOL_SERIAL; threads++) {
        log l = {.fail_init = true};
        l.pool = new_with(state, (fh_pool_config){.capacity = 2, .threads = threads, .init = log_init, .fini = log_fini,
                                                  .hook_ctx = &l});
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, fail_once, &l), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        fh_pool_adopt(l.pool);
        l.fail_init = false;
        fh_handle h[2];
        fh_assert_ok(fh_pool_alloc_n(l.pool, 2, h));
        fh_assert_ok(fh_pool_release_n(l.pool, 2, h));
        fh_pool_free(l.pool);
    }
}

/* An index is not enough: only a handle of the very life reaches a slot, and only a handle ends it. */
static void hole_no_door_to_raw_indices(void **state) {
    for (int eager = 0; eager < 2; eager++) {
        fh_pool *pool = new_with(state, (fh_pool_config){.capacity = 4, .eager = eager});
        fh_handle h;
        void *at;
        fh_assert_ok(fh_pool_alloc(pool, &h, &at));
        for (uint64_t index = 0; index < 6; index++)
            for (fh_pool_op op = FH_POOL_GET; op <= FH_POOL_RELEASE; op++) {
                fh_pool_found found = fh_pool_use(pool, (fh_handle){index}, op);
                assert_true(found.at == NULL && found.status.code == (index == 0 ? FH_STALE : FH_WRONG_POOL));
            }
        for (uint64_t index = 0; index < 6; index++) {
            assert_true(fh_failed(fh_pool_release(pool, (fh_handle){index})));
            assert_true(fh_failed(fh_pool_get(pool, (fh_handle){index}, &at)));
        }
        fh_assert_ok(fh_pool_get(pool, h, &at));
        assert_int_equal(fh_pool_stats_get(pool).live, 1);
        fh_pool_free(pool);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(probe_alignment_is_honoured),
        FH_TEST_ALLOC(probe_alignment_below_natural_is_refused),
        FH_TEST_ALLOC(probe_init_and_reset_are_called),
        FH_TEST_ALLOC(probe_failures_are_counted),
        FH_TEST_ALLOC(probe_leftovers_are_destroyed_with_the_pool),
        FH_TEST_ALLOC(probe_slot_returns_when_the_release_hook_fails),
        FH_TEST_ALLOC(probe_slot_returns_when_the_acquire_hook_fails),
        FH_TEST_ALLOC(probe_growth_is_clamped_to_the_maximum),
        FH_TEST_ALLOC(probe_absurd_capacity_is_an_error),
        FH_TEST_ALLOC(probe_list_in_one_pool_can_be_destroyed),
        FH_TEST_ALLOC(probe_pool_survives_a_failing_hook_in_another_thread),
        FH_TEST_ALLOC(hole_no_door_to_raw_indices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
