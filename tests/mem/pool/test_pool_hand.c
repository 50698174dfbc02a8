/* test_pool_hand.c: hardened pools that several threads use: what is in the hands of one view and of none. */
#include "pool_test.h"

#include <pthread.h>
#include <string.h>

#include "freehold/harden.h"
#include "mem/pool/pool_hard.h"

enum { THREADS = 3, SHARED_SLOTS = 64, PASSED = 8 };

typedef struct shared {
    fh_pool *pool;
    uint64_t passed[PASSED]; /* handles that any thread may release */
    uint64_t won, refused, steps;
} shared;

static void *work(void *arg) {
    shared *s = arg;
    fh_pool *view;
    fh_status status = fh_pool_attach(s->pool, &view);
    assert_false(fh_failed(status));
    uint64_t won = 0, refused = 0;
    for (uint64_t i = 0; i < s->steps; i++) {
        fh_handle h;
        void *at;
        status = fh_pool_alloc(view, &h, NULL);
        if (!fh_failed(status)) {
            status = fh_pool_borrow_mut(view, h, &at);
            assert_false(fh_failed(status));
            memset(at, (int)i, 64);
            status = fh_pool_borrow_mut_end(view, h);
            assert_false(fh_failed(status));
            h.value = fh_exchange(&s->passed[i % PASSED], h.value, FH_ACQ_REL);
        } else {
            h.value = fh_exchange(&s->passed[i % PASSED], 0, FH_ACQ_REL);
        }
        /* This handle, and one that another thread may be about to release. */
        fh_handle two[2] = {h, {fh_load(&s->passed[(i + 3) % PASSED], FH_ACQUIRE)}};
        for (int k = 0; k < 2; k++) {
            if (two[k].value == 0)
                continue;
            status = fh_pool_release(view, two[k]);
            won += !fh_failed(status);
            refused += fh_failed(status);
        }
    }
    fh_fetch_add(&s->won, won, FH_RELAXED);
    fh_fetch_add(&s->refused, refused, FH_RELAXED);
    status = fh_pool_detach(view);
    assert_false(fh_failed(status));
    return NULL;
}

/* Each life ends once, whoever races; every refusal is counted. */
static void test_threads(void **state) {
    for (int round = 0; round < 4; round++) {
        int kind = round % 2 == 0 ? FH_POOL_SHARED : FH_POOL_SHARED_BORROW;
        bool sampled = round >= 2; /* each alloc is given a guarded slot, as long as one is free */
        shared s = {.steps = fh_test_ops() / (sampled ? 100 : 40)};
        fh_pool_config c = {.size_bytes = 64, .natural_align_bytes = 8, .capacity = SHARED_SLOTS, .hardened = true,
                            .threads = (fh_pool_threads)kind};
        fh_assert_ok(fh_pool_new(fh_test_allocator(state), &c, &s.pool));
        fh_pool_hard_sample(s.pool, sampled ? 1 : 0);
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, work, &s), 0);
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        fh_pool_stats stats = fh_pool_stats_get(s.pool);
        assert_int_equal(stats.releases, s.won);
        assert_int_equal(stats.double_frees + stats.stale_uses + stats.borrow_conflicts, s.refused);
        assert_true(stats.overwritten == 0 && stats.peak <= SHARED_SLOTS && s.refused > 0);
        check(s.pool);
        fh_assert_ok(fh_pool_reset(s.pool));
        assert_int_equal(fh_pool_stats_get(s.pool).live, 0);
        check(s.pool);
        fh_pool_free(s.pool);
    }
}

/* Threads that release the same handles, in the same order: whoever is behind is refused, which is quicker, so they meet. */
enum { MEET_SLOTS = 2048 };

typedef struct meeting {
    fh_pool *pool;
    const fh_handle *handles;
    uint64_t won;
    uint64_t there; /* threads that have arrived */
} meeting;

static void *release_all(void *arg) {
    meeting *r = arg;
    fh_pool *view;
    fh_status s = fh_pool_attach(r->pool, &view);
    assert_false(fh_failed(s));
    uint64_t won = 0;
    (void)fh_fetch_add(&r->there, 1, FH_ACQ_REL);
    race_wait(&r->there, 2);
    for (size_t i = 0; i < MEET_SLOTS; i++) {
        s = fh_pool_release(view, r->handles[i]);
        won += !fh_failed(s);
    }
    fh_fetch_add(&r->won, won, FH_RELAXED);
    s = fh_pool_detach(view);
    assert_false(fh_failed(s));
    return NULL;
}

static void test_meeting(void **state) {
    static fh_handle handles[MEET_SLOTS];
    meeting r = {.handles = handles};
    fh_pool_config c = {.size_bytes = 16, .capacity = MEET_SLOTS, .hardened = true, .threads = FH_POOL_SHARED_BORROW};
    fh_assert_ok(fh_pool_new(fh_test_allocator(state), &c, &r.pool));
    for (uint64_t round = 0; round < 10 + fh_test_ops() / 5000; round++) {
        fh_assert_ok(fh_pool_alloc_n(r.pool, MEET_SLOTS, handles));
        pthread_t threads[2];
        r.won = 0;
        r.there = 0;
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, release_all, &r), 0);
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(r.won, MEET_SLOTS);
    }
    check(r.pool);
    fh_pool_free(r.pool);
}

static void test_views(void **state) {
    fh_pool *pool = new_with(fh_test_allocator(state), (fh_pool_config){.capacity = 4, .hardened = true}), *view;
    fh_assert_code(fh_pool_attach(pool, &view), FH_UNSUPPORTED);
    fh_pool_free(pool);

    fh_pool_config c = {.capacity = 4, .hardened = true, .threads = FH_POOL_SHARED_BORROW};
    pool = new_with(fh_test_allocator(state), c);
    fh_pool *views[3];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 3; i++)
            fh_assert_ok(fh_pool_attach(pool, &views[i]));
        fh_handle h = alloc_one(views[1]);
        fh_assert_ok(fh_pool_release(views[2], h));
        fh_assert_code(fh_pool_release(views[0], h), FH_DOUBLE_FREE);
        fh_assert_code(fh_pool_reset(pool), FH_BORROWED);
        fh_assert_ok(fh_pool_detach(views[(round + 1) % 3]));
        fh_assert_ok(fh_pool_detach(views[(round + 2) % 3]));
        fh_assert_ok(fh_pool_detach(views[round]));
        assert_int_equal(fh_pool_stats_get(pool).double_frees, round + 1);
    }
    fh_assert_ok(fh_pool_reset(pool));
    fh_pool_free(pool);
}

/* A view takes a handful, and keeps back a handful; what it has when it leaves, or reaps, is everybody's. */
static void test_hands(void **state) {
    enum { CAPACITY = 320, HAND = CAPACITY / 16 };
    fh_pool_config c = {.capacity = CAPACITY, .hardened = true, .threads = FH_POOL_SHARED};
    fh_pool *pool = new_with(fh_test_allocator(state), c), *view = attach(pool);
    const fh_hard *h = pool->core->own;
    fh_pool_hard_sample(pool, 0);
    fh_handle mine = alloc_one(pool), other[CAPACITY];
    assert_int_equal(h->out, HAND);
    for (int i = 0; i < CAPACITY - HAND; i++)
        other[i] = alloc_one(view);
    fh_assert_code(fh_pool_alloc(view, &other[CAPACITY - HAND], NULL), FH_EXHAUSTED);
    fh_assert_ok(fh_pool_reap(pool));
    for (int i = CAPACITY - HAND; i < CAPACITY - 1; i++)
        other[i] = alloc_one(view);
    fh_assert_code(fh_pool_alloc(pool, &mine, NULL), FH_EXHAUSTED);
    check(pool);
    for (int i = 0; i < CAPACITY - 1; i++)
        fh_assert_ok(fh_pool_release(i % 2 == 0 ? pool : view, other[i]));
    fh_pool_stats s = fh_pool_stats_get(pool);
    assert_true(s.quarantined + h->free_count == CAPACITY - 1 + h->waiting_max && s.peak == CAPACITY && s.live == 1);
    check(pool);
    fh_assert_ok(fh_pool_detach(view));
    fh_assert_ok(fh_pool_reap(pool));
    assert_int_equal(h->out, 1);
    check(pool);
    fh_pool_free(pool);
}

/* The crowds that every shared pool bears. */
static void test_crowds(void **state) {
    fh_pool_harden_all(true);
    for (int kind = FH_POOL_SHARED; kind <= FH_POOL_SHARED_BORROW; kind++) {
        race_all(fh_test_allocator(state), (fh_pool_threads)kind);
        traffic_all(fh_test_allocator(state), (fh_pool_threads)kind);
    }
    fh_pool_harden_all(false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_threads), FH_TEST_ALLOC(test_meeting), FH_TEST_ALLOC(test_views),
        FH_TEST_ALLOC(test_hands),   FH_TEST_ALLOC(test_crowds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
