/* pool_test.h: what the tests of pools share: making one, taking one slot, and the crowds that every shared kind must bear.
 *
 * Threading: races and traffic start their own threads; all else is called on the test's thread. */
#ifndef FH_TEST_POOL_TEST_H
#define FH_TEST_POOL_TEST_H

#include "fh_test.h"
#include "mem/pool/pool_core.h"
#include "race.h"
#include "traffic.h"

/* A pool of slots of 64 bytes unless `config` says another size; its slots wear out after 2^bits generations. */
static inline fh_pool *new_narrow(fh_allocator *a, fh_pool_config config, unsigned bits) {
    fh_pool *pool = NULL;
    if (config.size_bytes == 0)
        config.size_bytes = 64;
    fh_assert_ok(fh_pool_new_narrow(a, &config, bits, &pool));
    return pool;
}

static inline fh_pool *new_with(fh_allocator *a, fh_pool_config config) {
    return new_narrow(a, config, 32);
}

static inline fh_pool *attach(fh_pool *pool) {
    fh_pool *view = NULL;
    fh_assert_ok(fh_pool_attach(pool, &view));
    assert_non_null(view);
    return view;
}

static inline fh_handle alloc_one(fh_pool *view) {
    fh_handle h;
    fh_assert_ok(fh_pool_alloc(view, &h, NULL));
    return h;
}

/* fh_pool_get with the output checked: a slot on success, NULL on failure. */
static inline void *get(fh_pool *view, fh_handle h, fh_code expected) {
    void *at = &at;
    fh_assert_code(fh_pool_get(view, h, &at), expected);
    assert_int_equal(at != NULL, expected == FH_OK);
    return at;
}

static inline void check(const fh_pool *pool) {
    fh_err err;
    fh_err_clear(&err);
    if (fh_failed(fh_pool_check(pool, &err)))
        fail_msg("%s", err.message);
}

/* Ends all views but the first, and the pool. */
static inline void end(fh_pool *pool, fh_pool *view) {
    check(pool);
    fh_assert_ok(fh_pool_detach(view));
    check(pool);
    fh_pool_free(pool);
}

/* Races of double frees and stale uses; anything that slips through fails. bench_race does it for longer. */
static inline race_result race_all(fh_allocator *a, fh_pool_threads kind) {
    const uint64_t tries = fh_test_ops() / 5;
    race_result both = {0};
    for (int owner = 0; owner < 2; owner++) {
        race_result r = race_run(a, kind, owner != 0, tries);
        assert_true(r.double_frees >= tries && r.stale_uses == 2 * r.double_frees);
        assert_int_equal(r.missed_frees, 0);
        assert_int_equal(r.missed_uses, 0);
        assert_int_equal(r.lost_lives, 0);
        assert_int_equal(r.failures, 0);
        both.late += r.late;
    }
    return both;
}

/* Random traffic over a pool that grows meanwhile, with lazy and with eager slots. */
static inline void traffic_all(fh_allocator *a, fh_pool_threads kind) {
    for (int eager = 0; eager < 2; eager++) {
        fh_pool *pool = new_with(a, (fh_pool_config){.capacity = 1, .max_capacity = 300, .eager = eager, .threads = kind,
                                                     .growth = {.kind = FH_GROW_LINEAR, .slots = 10}});
        traffic_run(pool, kind == FH_POOL_SHARED_BORROW, fh_test_ops() / 20);
        fh_pool_free(pool);
    }
}

#endif
