/* test_pool.c: handles that know when they are stale: each refusal by itself, slots worn out, a random walk beside a model. */
#include "fh_test.h"

#include <string.h>
#include <sys/wait.h>

#include "mem/pool_narrow.h"

typedef struct thing {
    uint64_t id;
    uint8_t rest[40];
} thing;

static fh_pool *new_pool(fh_allocator *a, uint32_t capacity) {
    fh_pool *pool = NULL;
    fh_assert_ok(fh_pool_new(a, sizeof(thing), capacity, &pool));
    return pool;
}

static fh_handle alloc_one(fh_pool *pool) {
    fh_handle h;
    fh_assert_ok(fh_pool_alloc(pool, &h));
    return h;
}

/* fh_pool_get with the output checked: a slot on success, NULL on failure. */
static thing *get(fh_pool *pool, fh_handle h, fh_code expected) {
    void *at = &at;
    fh_assert_code(fh_pool_get(pool, h, &at), expected);
    assert_int_equal(at != NULL, expected == FH_OK);
    return at;
}

static void test_life(void **state) {
    fh_pool *pool = new_pool(fh_test_allocator(state), 3);
    fh_handle h[3], none = {77};
    for (size_t i = 0; i < 3; i++) {
        h[i] = alloc_one(pool);
        assert_true(h[i].value != 0);
        get(pool, h[i], FH_OK)->id = i;
    }
    fh_assert_code(fh_pool_alloc(pool, &none), FH_EXHAUSTED);
    assert_true(none.value == 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(get(pool, h[i], FH_OK)->id, i);
    fh_assert_ok(fh_pool_release(pool, h[1]));
    fh_handle again = alloc_one(pool);
    assert_true(again.value != h[1].value);
    thing *t = get(pool, again, FH_OK);
    assert_true(t->id == 0); /* zero again */
    fh_pool_stats s = fh_pool_stats_get(pool);
    assert_true(s.live == 3 && s.capacity == 3 && s.peak == 3 && s.allocs == 4 && s.retired == 0);
    fh_pool_free(pool); /* with live slots */
    fh_pool_free(NULL);
}

/* Each refusal, distinct, and none of them changes anything. */
static void test_refusals(void **state) {
    fh_pool *pool = new_pool(fh_test_allocator(state), 2);
    fh_handle a = alloc_one(pool), b = alloc_one(pool), zero = {0};
    get(pool, a, FH_OK)->id = 1;
    get(pool, b, FH_OK)->id = 2;

    fh_assert_ok(fh_pool_release(pool, a));
    get(pool, a, FH_STALE);
    fh_assert_code(fh_pool_release(pool, a), FH_DOUBLE_FREE);
    fh_assert_code(fh_pool_release(pool, a), FH_DOUBLE_FREE);
    fh_handle c = alloc_one(pool); /* a's slot, another life */
    assert_int_equal((uint32_t)c.value, (uint32_t)a.value);
    get(pool, a, FH_STALE);
    fh_assert_code(fh_pool_release(pool, a), FH_STALE); /* would end somebody else's life */
    assert_true(get(pool, c, FH_OK)->id == 0);

    get(pool, zero, FH_STALE);
    fh_assert_code(fh_pool_release(pool, zero), FH_STALE);
    const fh_handle never[] = {
        {b.value + (UINT64_C(1) << 32)},  /* even generations: no handle has one */
        {b.value - (UINT64_C(1) << 32)},
        {c.value - (UINT64_C(1) << 32)},  /* what the slot had while it was free */
        {b.value + (UINT64_C(2) << 32)},  /* a life that is still to come */
        {b.value - (UINT64_C(2) << 32)},  /* a life before the first */
        {(b.value & ~(uint64_t)UINT32_MAX) | 2}, /* index past the capacity */
        {b.value | UINT32_MAX},
        {UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        get(pool, never[i], FH_WRONG_POOL);
        fh_assert_code(fh_pool_release(pool, never[i]), FH_WRONG_POOL);
    }
    assert_int_equal(get(pool, b, FH_OK)->id, 2);
    fh_pool_stats s = fh_pool_stats_get(pool);
    assert_true(s.live == 2 && s.allocs == 3 && s.peak == 2 && s.retired == 0);
    assert_true(s.double_frees == 2 && s.stale_uses == 5);
    fh_assert_ok(fh_pool_release(pool, b));
    fh_assert_ok(fh_pool_release(pool, c));
    fh_handle free_now = {c.value + (UINT64_C(1) << 32)}; /* what the slot has while it is free */
    get(pool, free_now, FH_WRONG_POOL);
    fh_assert_code(fh_pool_release(pool, free_now), FH_WRONG_POOL);
    fh_pool_free(pool);
}

/* Handles of one pool in each of a thousand others. */
static void test_wrong_pool(void **state) {
    enum { POOLS = 1000 };
    static fh_pool *pools[POOLS];
    static fh_handle handles[POOLS];
    for (size_t i = 0; i < POOLS; i++) {
        pools[i] = new_pool(fh_test_allocator(state), 1);
        for (size_t life = 0; life < i % 7; life++)
            fh_assert_ok(fh_pool_release(pools[i], alloc_one(pools[i])));
        handles[i] = alloc_one(pools[i]);
    }
    for (size_t i = 0; i < POOLS; i++)
        for (size_t k = 0; k < POOLS; k++) {
            void *at;
            fh_status s = fh_pool_get(pools[i], handles[k], &at);
            assert_int_equal(s.code, i == k ? FH_OK : FH_WRONG_POOL);
        }
    /* Seeds are far apart: the distance of any two generations is the distance of their seeds, give or take the lives. */
    for (size_t i = 0; i < POOLS; i++)
        for (size_t k = 0; k < i; k++) {
            uint32_t apart = (uint32_t)(handles[i].value >> 32) - (uint32_t)(handles[k].value >> 32);
            assert_in_range(apart, 1000000, UINT32_MAX - 1000000);
        }
    for (size_t i = 0; i < POOLS; i++)
        fh_pool_free(pools[i]);
}

static void test_bad_arguments(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_pool *pool = (fh_pool *)state;
    fh_assert_code(fh_pool_new(a, 0, 4, &pool), FH_INVALID);
    assert_null(pool);
    fh_assert_code(fh_pool_new(a, 8, 0, &pool), FH_INVALID);
    fh_assert_code(fh_pool_new(a, 8, UINT32_MAX, &pool), FH_INVALID);
    fh_assert_code(fh_pool_new(a, SIZE_MAX, 1, &pool), FH_NOMEM);
    fh_assert_code(fh_pool_new(a, SIZE_MAX / 4, 8, &pool), FH_NOMEM);
    fh_assert_code(fh_pool_new_narrow(a, 8, 1, 2, &pool), FH_INVALID);
    fh_assert_code(fh_pool_new_narrow(a, 8, 1, 33, &pool), FH_INVALID);
    assert_null(pool);
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).live, 0);
}

/* Slots keep their distance and alignment for any size. */
static void test_slots(void **state) {
    static const size_t sizes[] = {1, 15, 16, 17, 63, 64, 65, 200};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        enum { SLOTS = 5 };
        fh_pool *pool;
        fh_handle h[SLOTS];
        void *at[SLOTS];
        fh_assert_ok(fh_pool_new(fh_test_allocator(state), sizes[k], SLOTS, &pool));
        for (size_t i = 0; i < SLOTS; i++) {
            h[i] = alloc_one(pool);
            fh_assert_ok(fh_pool_get(pool, h[i], &at[i]));
            assert_int_equal((uintptr_t)at[i] % (sizes[k] >= 64 ? 64 : 16), 0);
            memset(at[i], (int)i + 1, sizes[k]);
        }
        for (size_t i = 0; i < SLOTS; i++) {
            void *same;
            fh_assert_ok(fh_pool_get(pool, h[i], &same));
            assert_ptr_equal(same, at[i]); /* slots never move */
            for (size_t n = 0; n < sizes[k]; n++)
                assert_int_equal(((uint8_t *)same)[n], i + 1);
        }
        fh_pool_free(pool);
    }
}

/* Free slots are used in turn: the one released last is used last. */
static void test_slots_wear_evenly(void **state) {
    enum { SLOTS = 8 };
    fh_pool *pool = new_pool(fh_test_allocator(state), SLOTS);
    unsigned lives[SLOTS] = {0};
    for (int i = 0; i < 800; i++) {
        fh_handle h = alloc_one(pool);
        lives[(uint32_t)h.value]++;
        fh_assert_ok(fh_pool_release(pool, h));
    }
    for (size_t i = 0; i < SLOTS; i++)
        assert_int_equal(lives[i], 100);
    fh_pool_free(pool);
}

/* With generations of `bits` bits a slot has 2^(bits-1) - 1 lives; then it is retired and no handle opens it again. */
static void test_retire(void **state) {
    enum { SLOTS = 3, LIVES_MAX = 3 * 127 };
    for (unsigned bits = 3; bits <= 8; bits++) {
        uint64_t lives = (UINT64_C(1) << (bits - 1)) - 1;
        static fh_handle old[LIVES_MAX];
        fh_handle h;
        fh_pool *pool;
        size_t count = 0;
        fh_assert_ok(fh_pool_new_narrow(fh_test_allocator(state), 8, SLOTS, bits, &pool));
        while (!fh_failed(fh_pool_alloc(pool, &h))) {
            assert_true(count < LIVES_MAX);
            old[count++] = h;
            fh_assert_ok(fh_pool_release(pool, h));
            fh_pool_stats s = fh_pool_stats_get(pool);
            assert_true(s.retired + s.live <= s.capacity);
        }
        assert_int_equal(count, SLOTS * lives);
        fh_pool_stats s = fh_pool_stats_get(pool);
        assert_true(s.retired == SLOTS && s.live == 0 && s.allocs == count);
        fh_assert_code(fh_pool_alloc(pool, &h), FH_EXHAUSTED);
        for (size_t i = 0; i < count; i++) {
            for (size_t k = 0; k < i; k++)
                assert_true(old[i].value != old[k].value); /* never reused */
            get(pool, old[i], FH_STALE);
            fh_assert_code(fh_pool_release(pool, old[i]), i + SLOTS >= count ? FH_DOUBLE_FREE : FH_STALE);
        }
        fh_pool_free(pool);
    }
}

/* --- a random walk beside a model ------------------------------------------------------------------------------------- */

enum { WALK_SLOTS = 24, WALK_STEPS = 1000000, HISTORY = 4096 };

/* What the model knows of one life that ever was: whether it is live, and whether its slot was used again since. */
typedef struct life {
    fh_handle handle;
    uint64_t content;
    bool live;
} life;

typedef struct model {
    life lives[HISTORY]; /* a ring of the newest lives, and all that are live */
    size_t live_at[WALK_SLOTS], live_count;
    size_t newest_of_slot[WALK_SLOTS];
    uint64_t allocs, stale_uses, double_frees, peak;
} model;

/* Where to put a new life: a place in the history whose life is over. */
static size_t place_for_life(model *m, fh_test_rng *rng) {
    for (;;) {
        size_t at = fh_test_rng_below(rng, HISTORY);
        if (!m->lives[at].live)
            return at;
    }
}

static void walk_alloc(model *m, fh_pool *pool, fh_test_rng *rng) {
    fh_handle h;
    fh_status s = fh_pool_alloc(pool, &h);
    assert_int_equal(s.code, m->live_count == WALK_SLOTS ? FH_EXHAUSTED : FH_OK);
    if (fh_failed(s))
        return;
    size_t at = place_for_life(m, rng), slot = (uint32_t)h.value;
    assert_true(slot < WALK_SLOTS);
    for (size_t i = 0; i < m->live_count; i++)
        assert_true((uint32_t)m->lives[m->live_at[i]].handle.value != slot);
    m->lives[at] = (life){h, fh_test_rng_next(rng), true};
    m->live_at[m->live_count++] = at;
    m->newest_of_slot[slot] = at;
    m->allocs++;
    m->peak = m->live_count > m->peak ? m->live_count : m->peak;

    thing *t = get(pool, h, FH_OK);
    assert_true(t->id == 0 && t->rest[39] == 0);
    t->id = m->lives[at].content;
    t->rest[39] = (uint8_t)t->id;
}

/* A use of any life there ever was, live or not. */
static void walk_get(model *m, fh_pool *pool, fh_test_rng *rng) {
    const life *l = &m->lives[fh_test_rng_below(rng, HISTORY)];
    thing *t = get(pool, l->handle, l->live ? FH_OK : FH_STALE);
    m->stale_uses += !l->live;
    if (t != NULL)
        assert_true(t->id == l->content && t->rest[39] == (uint8_t)l->content);
}

static void walk_release(model *m, fh_pool *pool, fh_test_rng *rng, bool live) {
    size_t k = fh_test_rng_below(rng, m->live_count);
    size_t at = live && m->live_count > 0 ? m->live_at[k] : fh_test_rng_below(rng, HISTORY);
    life *l = &m->lives[at];
    fh_code expected = FH_OK;
    if (!l->live) {
        size_t newest = m->newest_of_slot[(uint32_t)l->handle.value % WALK_SLOTS];
        bool is_last_life = l->handle.value != 0 && m->lives[newest].handle.value == l->handle.value;
        expected = is_last_life ? FH_DOUBLE_FREE : FH_STALE;
        m->double_frees += is_last_life;
        m->stale_uses += !is_last_life;
    }
    fh_status s = fh_pool_release(pool, l->handle);
    assert_int_equal(s.code, expected);
    if (!l->live)
        return;
    l->live = false;
    for (size_t i = 0; i < m->live_count; i++)
        if (m->live_at[i] == at)
            m->live_at[i] = m->live_at[m->live_count - 1];
    m->live_count--;
}

static void walk_foreign(fh_pool *pool, const fh_handle *foreign, size_t count, fh_test_rng *rng) {
    fh_handle h = foreign[fh_test_rng_below(rng, count)];
    get(pool, h, FH_WRONG_POOL);
    fh_status s = fh_pool_release(pool, h);
    assert_int_equal(s.code, FH_WRONG_POOL);
}

static void test_random_walk(void **state) {
    static model m;
    fh_handle foreign[8];
    fh_test_rng rng = fh_test_rng_new(10);
    fh_pool *pool = new_pool(fh_test_allocator(state), WALK_SLOTS), *other = new_pool(fh_test_allocator(state), 8);
    memset(&m, 0, sizeof m);
    for (size_t i = 0; i < 8; i++)
        foreign[i] = alloc_one(other);
    for (int step = 0; step < WALK_STEPS; step++) {
        uint64_t what = fh_test_rng_below(&rng, 100);
        if (what < 33)
            walk_alloc(&m, pool, &rng);
        else if (what < 60)
            walk_release(&m, pool, &rng, true);
        else if (what < 70)
            walk_release(&m, pool, &rng, false);
        else if (what < 95)
            walk_get(&m, pool, &rng);
        else
            walk_foreign(pool, foreign, 8, &rng);
        fh_pool_stats s = fh_pool_stats_get(pool);
        assert_true(s.live == m.live_count && s.allocs == m.allocs && s.peak == m.peak && s.retired == 0);
        assert_true(s.stale_uses == m.stale_uses && s.double_frees == m.double_frees);
    }
    assert_true(m.stale_uses > 10000 && m.double_frees > 100 && m.peak == WALK_SLOTS);
    fh_pool_free(pool);
    fh_pool_free(other);
}

static fh_status body(fh_allocator *a, void *arg) {
    fh_pool *pool;
    fh_handle h;
    (void)arg;
    FH_TRY(fh_pool_new(a, 100, 10, &pool));
    fh_status s = fh_pool_alloc(pool, &h);
    fh_pool_free(pool);
    return s;
}

static void test_without_memory(void **state) {
    assert_int_equal(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL), 3);
    fh_pool *pool = (fh_pool *)state;
    fh_trace_fail_at(fh_test_trace(state), 3);
    fh_assert_code(fh_pool_new(fh_test_allocator(state), 8, 4, &pool), FH_NOMEM);
    assert_null(pool);
}

static void touch_released(void *arg) {
    fh_pool *pool = arg;
    fh_handle h = alloc_one(pool);
    volatile thing *t = get(pool, h, FH_OK);
    if (fh_failed(fh_pool_release(pool, h)))
        return;
    t->id = 1;
}

/* AddressSanitizer sees a pointer that outlived its slot's life. */
static void test_poison(void **state) {
#ifndef FH_TEST_ASAN
    (void)state;
    (void)touch_released;
    fh_test_skip("this build has no address sanitizer");
#else
    fh_pool *pool = new_pool(fh_test_allocator(state), 2);
    char said[8192];
    int status = fh_test_child(touch_released, pool, said, sizeof said);
    assert_int_not_equal(status, 0); /* a signal or an exit status, as ASAN_OPTIONS says */
    assert_non_null(strstr(said, "use-after-poison"));
    fh_pool_free(pool);
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_life),
        FH_TEST_ALLOC(test_refusals),
        FH_TEST_ALLOC(test_wrong_pool),
        FH_TEST_ALLOC(test_bad_arguments),
        FH_TEST_ALLOC(test_slots),
        FH_TEST_ALLOC(test_slots_wear_evenly),
        FH_TEST_ALLOC(test_retire),
        FH_TEST_ALLOC(test_random_walk),
        FH_TEST_ALLOC(test_without_memory),
        FH_TEST_ALLOC(test_poison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
