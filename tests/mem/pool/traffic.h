/* traffic.h: threads that hand slots of one shared pool to each other, at random, and release them wherever they end up.
 *
 * Each thread puts slots of its own into random places, and releases what it finds there; now and then it releases a slot
 * twice, looks up a stale handle, reaps, or leaves and comes back. Every answer is known: a first release is accepted,
 * everything after it refused. Threading: traffic_run starts its own threads. */
#ifndef FH_TEST_TRAFFIC_H
#define FH_TEST_TRAFFIC_H

#include <pthread.h>

#include "fh_test.h"
#include "freehold/pool.h"

enum { TRAFFIC_THREADS = 4, TRAFFIC_PLACES = 64 };

typedef struct traffic {
    fh_pool *pool;
    bool is_borrowing;
    uint64_t steps, seed;
    uint64_t places[TRAFFIC_PLACES]; /* handles; 0 = none */
    uint32_t failures;
    uint64_t allocs, seconds; /* lives begun, second releases tried */
} traffic;

/* Reads or writes the handle that every object of this test holds. */
static inline bool traffic_touch(traffic *t, fh_pool *view, fh_handle h, bool is_new) {
    if (t->is_borrowing) {
        fh_handle got = h;
        fh_status s = is_new ? fh_pool_store(view, h, (fh_span){(uint8_t *)&got, sizeof got})
                             : fh_pool_load(view, h, (fh_mspan){(uint8_t *)&got, sizeof got});
        return !fh_failed(s) && got.value == h.value;
    }
    void *at;
    if (fh_failed(fh_pool_get(view, h, &at)))
        return false;
    if (is_new)
        *(fh_handle *)at = h;
    return ((fh_handle *)at)->value == h.value;
}

static inline uint32_t traffic_release(traffic *t, fh_pool *view, fh_handle h, uint64_t dice, uint64_t *seconds) {
    uint32_t bad = !traffic_touch(t, view, h, false);
    bad += fh_failed(fh_pool_release(view, h));
    if (dice % 8 == 0) {
        bad += traffic_touch(t, view, h, false); /* whoever has the slot now has another handle */
        fh_code code = fh_pool_release(view, h).code;
        bad += code != FH_DOUBLE_FREE && code != FH_STALE;
        ++*seconds;
    }
    return bad;
}

static inline void *traffic_thread(void *arg) {
    traffic *t = arg;
    fh_test_rng rng = fh_test_rng_new(fh_fetch_add(&t->seed, 1, FH_RELAXED) << 32);
    fh_pool *view = NULL;
    uint64_t allocs = 0, seconds = 0;
    uint32_t bad = fh_failed(fh_pool_attach(t->pool, &view));
    for (uint64_t i = 0; i < t->steps && bad == 0; i++) {
        uint64_t dice = fh_test_rng_next(&rng), h = 0;
        fh_handle mine = {0};
        if (dice % 3 != 0 && !fh_failed(fh_pool_alloc(view, &mine, NULL))) {
            allocs++;
            bad += !traffic_touch(t, view, mine, true);
            h = mine.value;
        }
        h = fh_exchange(&t->places[dice >> 32 & (TRAFFIC_PLACES - 1)], h, FH_ACQ_REL);
        if (h != 0)
            bad += traffic_release(t, view, (fh_handle){h}, dice >> 8, &seconds);
        if (dice >> 40 << 40 == 0 || i % 1000 == 999)
            bad += fh_failed(fh_pool_reap(view));
        if (i % 5000 == 4999)
            bad += fh_failed(fh_pool_detach(view)) || fh_failed(fh_pool_attach(t->pool, &view));
    }
    fh_fetch_add(&t->allocs, allocs, FH_RELAXED);
    fh_fetch_add(&t->seconds, seconds, FH_RELAXED);
    fh_fetch_add(&t->failures, bad, FH_RELAXED);
    return NULL; /* its end detaches the view */
}

/* Everything handed out comes back, once; every second release was refused, once. */
static inline void traffic_run(fh_pool *pool, bool is_borrowing, uint64_t steps) {
    traffic t = {.pool = pool, .is_borrowing = is_borrowing, .steps = steps};
    pthread_t threads[TRAFFIC_THREADS];
    fh_err err;
    for (int i = 0; i < TRAFFIC_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, traffic_thread, &t), 0);
    for (int i = 0; i < TRAFFIC_THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(t.failures, 0);
    for (int i = 0; i < TRAFFIC_PLACES; i++)
        if (t.places[i] != 0)
            fh_assert_ok(fh_pool_release(pool, (fh_handle){t.places[i]}));
    fh_assert_ok(fh_pool_reap(pool));
    fh_pool_stats s = fh_pool_stats_get(pool);
    assert_true(s.allocs == t.allocs && s.releases == t.allocs && s.live == 0);
    assert_int_equal(s.double_frees + s.stale_uses, 2 * t.seconds); /* each with a look-up before it */
    fh_err_clear(&err);
    if (fh_failed(fh_pool_check(pool, &err)))
        fail_msg("%s", err.message);
}

#endif
