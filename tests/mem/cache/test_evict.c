/* test_evict.c: eviction lists: the order of each policy, ageing, the optimum beside an exhaustive search, random walks. */
#include "fh_test.h"

#include "mem/cache/evict.h"

enum { NODES = 96 };

typedef struct lists {
    fh_evict e;
    fh_evict_time time;
    fh_evict_node nodes[NODES];
} lists;

static void begin(lists *l, fh_allocator *a, fh_cache_policy policy) {
    l->time = (fh_evict_time){0, 0};
    fh_assert_ok(fh_evict_init(&l->e, a, policy, &l->time, l->nodes, sizeof l->nodes[0], NODES));
}

/* Entry i was used and is idle again; the owner's short cut included. */
static void idle(lists *l, uint32_t i, uint32_t uses) {
    fh_evict_rank before = fh_evict_victim_rank(&l->e);
    uint32_t victim = fh_evict_victim(&l->e);
    bool changed = !fh_evict_is_newest(&l->e, i) && fh_evict_idle(&l->e, i, uses);
    fh_evict_rank after = fh_evict_victim_rank(&l->e);
    if (victim != fh_evict_victim(&l->e) || before.worth != after.worth || before.stamp != after.stamp)
        assert_true(changed); /* or the owner would go on with the old victim */
}

/* Entries [0, count) begin and become idle, in order. */
static void enter_fresh(lists *l, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        fh_evict_fresh(&l->e, i);
        idle(l, i, 0);
        l->time.clock++;
    }
    assert_true(fh_evict_check(&l->e));
}

static void use(lists *l, uint32_t i) {
    idle(l, i, 1);
    assert_true(fh_evict_check(&l->e));
}

/* Takes all victims and compares. */
static void expect_order(lists *l, const uint32_t *expected, size_t count) {
    for (size_t k = 0; k < count; k++) {
        assert_int_equal(fh_evict_victim(&l->e), expected[k]);
        assert_int_equal(fh_evict_take(&l->e), expected[k]);
        assert_true(fh_evict_check(&l->e));
    }
}

#define expect(l, ...)                                                            \
    do {                                                                          \
        const uint32_t order_[] = {__VA_ARGS__};                                  \
        expect_order((l), order_, sizeof order_ / sizeof order_[0]);              \
    } while (0)

static void test_lru(void **state) {
    static lists l;
    begin(&l, fh_test_allocator(state), FH_CACHE_LRU);
    assert_int_equal(fh_evict_take(&l.e), FH_EVICT_NONE);
    assert_true(fh_evict_victim_rank(&l.e).worth == UINT64_MAX);
    enter_fresh(&l, 5);
    use(&l, 0);
    use(&l, 3);
    fh_evict_leave(&l.e, 4); /* in use: no victim */
    assert_true(fh_evict_victim_rank(&l.e).stamp == 1);
    expect(&l, 1, 2, 0, 3, FH_EVICT_NONE);
    idle(&l, 4, 1);
    expect(&l, 4, FH_EVICT_NONE);
    fh_evict_leave(&l.e, 4); /* it is in none */

    /* The newest one stays where it is, with the time of its last use; once it is gone, the next one is not taken for it. */
    enter_fresh(&l, 2);
    l.time.clock = 100;
    use(&l, 1);
    assert_true(l.nodes[1].stamp == 100 && fh_evict_is_newest(&l.e, 1));
    l.time.clock = 101;
    assert_false(fh_evict_is_newest(&l.e, 1));
    use(&l, 1);
    assert_true(l.nodes[1].stamp == 101);
    fh_evict_leave(&l.e, 1);
    assert_false(fh_evict_is_newest(&l.e, 0));
    use(&l, 0);
    assert_true(l.nodes[0].stamp == 101);
    fh_evict_deinit(&l.e);
}

/* What was used twice outlives any number of values that were used once, up to 4/5 of all. */
static void test_slru(void **state) {
    static lists l;
    begin(&l, fh_test_allocator(state), FH_CACHE_SLRU);
    enter_fresh(&l, 10);
    use(&l, 0);
    use(&l, 1);
    expect(&l, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, FH_EVICT_NONE);

    enter_fresh(&l, 10);
    for (uint32_t i = 0; i < 10; i++)
        use(&l, 9 - i);
    assert_int_equal(l.e.worthy, 8); /* 9 and 8 are on probation again */
    expect(&l, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, FH_EVICT_NONE);
    fh_evict_deinit(&l.e);
}

static void test_lfu(void **state) {
    static lists l;
    begin(&l, fh_test_allocator(state), FH_CACHE_LFU);
    enter_fresh(&l, 4);
    use(&l, 0);
    use(&l, 0);
    use(&l, 2);
    expect(&l, 1, 3, 2, 0, FH_EVICT_NONE); /* 1 and 3 were used once: the older first */
    assert_true(l.time.floor == 3);

    /* Ageing: 0 was used 20 times; 40 values used once each come and go, and it goes in the end. */
    enter_fresh(&l, 1);
    for (int i = 0; i < 20; i++)
        use(&l, 0);
    uint32_t gone = 0;
    for (int i = 0; i < 40 && gone != FH_EVICT_NONE; i++) {
        fh_evict_fresh(&l.e, 1);
        idle(&l, 1, 0);
        if (fh_evict_take(&l.e) == 0) {
            gone = FH_EVICT_NONE;
            assert_true(i >= 15 && i <= 25);
            assert_int_equal(fh_evict_take(&l.e), 1);
        }
    }
    assert_int_equal(gone, FH_EVICT_NONE);
    fh_evict_deinit(&l.e);
}

/* A lead ends at 63, and the lists hold whatever the floor did meanwhile. */
static void test_lfu_window(void **state) {
    static lists l;
    begin(&l, fh_test_allocator(state), FH_CACHE_LFU);
    enter_fresh(&l, 3);
    for (int i = 0; i < 200; i++)
        use(&l, 0);
    assert_true(l.nodes[0].worth == 63);
    fh_evict_leave(&l.e, 1); /* in use for long */
    l.time.floor = 1000;     /* other shards went on */
    use(&l, 2);
    assert_true(l.nodes[2].worth == 63 + 63); /* 0, at 63, keeps the window down */
    idle(&l, 1, 0);
    assert_true(fh_evict_check(&l.e));
    expect(&l, 0, 2, 1, FH_EVICT_NONE);
    enter_fresh(&l, 1);
    assert_true(l.nodes[0].worth == 1001);
    fh_evict_deinit(&l.e);
}

/* --- the optimum ------------------------------------------------------------------------------------------------------ */

enum { TRACE = 12, KEYS = 5 };

/* The most hits that any choice of victims gives: tries them all. */
static unsigned most_hits(const uint64_t *trace, size_t left, const uint64_t *held, size_t held_count, size_t room) {
    if (left == 0)
        return 0;
    uint64_t next[KEYS];
    for (size_t i = 0; i < held_count; i++) {
        if (held[i] == trace[0])
            return 1 + most_hits(trace + 1, left - 1, held, held_count, room);
        next[i] = held[i];
    }
    if (held_count < room) {
        next[held_count] = trace[0];
        return most_hits(trace + 1, left - 1, next, held_count + 1, room);
    }
    unsigned best = 0;
    for (size_t out = 0; out < held_count; out++) {
        next[out] = trace[0];
        unsigned hits = most_hits(trace + 1, left - 1, next, held_count, room);
        best = hits > best ? hits : best;
        next[out] = held[out];
    }
    return best;
}

/* The hits of the optimum's heap. Entry i is key i. */
static unsigned heap_hits(fh_allocator *a, fh_u64s trace, uint32_t room) {
    static lists l;
    bool held[KEYS] = {false};
    unsigned hits = 0;
    fh_u64s next;
    begin(&l, a, FH_CACHE_OPTIMUM);
    fh_assert_ok(fh_evict_next_uses(a, trace, &next));
    for (size_t t = 0; t < trace.count; t++) {
        uint32_t key = (uint32_t)fh_u64s_get(trace, t);
        hits += held[key];
        if (!held[key] && l.e.count == room)
            held[fh_evict_take(&l.e)] = false;
        if (!held[key])
            fh_evict_fresh(&l.e, key);
        fh_evict_next_use(&l.e, key, fh_u64s_get(next, t));
        idle(&l, key, 0);
        held[key] = true;
        assert_true(fh_evict_check(&l.e));
    }
    fh_u64s_free(a, &next);
    fh_evict_deinit(&l.e);
    return hits;
}

static void test_optimum(void **state) {
    fh_test_rng rng = fh_test_rng_new(3);
    for (int round = 0; round < 200; round++) {
        uint64_t keys[TRACE];
        for (size_t i = 0; i < TRACE; i++)
            keys[i] = fh_test_rng_below(&rng, KEYS);
        uint32_t room = 1 + (uint32_t)round % 3;
        unsigned hits = heap_hits(fh_test_allocator(state), (fh_u64s){keys, TRACE}, room);
        assert_int_equal(hits, most_hits(keys, TRACE, NULL, 0, room));
    }
}

static void test_next_uses(void **state) {
    enum { COUNT = 1000 };
    static uint64_t keys[COUNT];
    fh_test_rng rng = fh_test_rng_new(4);
    fh_u64s next;
    for (size_t i = 0; i < COUNT; i++)
        keys[i] = fh_test_rng_below(&rng, 1 + i) * UINT64_C(0x100000001);
    fh_assert_ok(fh_evict_next_uses(fh_test_allocator(state), (fh_u64s){keys, COUNT}, &next));
    for (size_t i = 0; i < COUNT; i++) {
        size_t k = i + 1;
        while (k < COUNT && keys[k] != keys[i])
            k++;
        assert_true(fh_u64s_get(next, i) == (k < COUNT ? k : UINT64_MAX));
    }
    fh_u64s_free(fh_test_allocator(state), &next);
    fh_assert_ok(fh_evict_next_uses(fh_test_allocator(state), (fh_u64s){NULL, 0}, &next));
    assert_int_equal(next.count, 0);
}

/* --- all policies ----------------------------------------------------------------------------------------------------- */

/* Random entries, uses, leaves and victims keep every invariant; the victim is always the lowest of the rank's worth. */
static void test_random(void **state) {
    static lists l;
    fh_test_rng rng = fh_test_rng_new(5);
    for (int policy = FH_CACHE_LRU; policy <= FH_CACHE_OPTIMUM; policy++) {
        enum { OUT, LISTED, USED };
        uint8_t where[NODES] = {OUT};
        uint32_t listed = 0;
        begin(&l, fh_test_allocator(state), (fh_cache_policy)policy);
        for (uint64_t step = 0; step < fh_test_ops() / 50; step++) {
            uint32_t i = (uint32_t)fh_test_rng_below(&rng, NODES);
            l.time.clock += fh_test_rng_below(&rng, 2);
            if (fh_test_rng_below(&rng, 50) == 0)
                l.time.floor += fh_test_rng_below(&rng, 100); /* another shard's victim */
            if (fh_test_rng_below(&rng, 3) == 0) {
                fh_evict_rank rank = fh_evict_victim_rank(&l.e);
                uint32_t victim = fh_evict_take(&l.e);
                for (uint32_t k = 0; k < NODES && policy != FH_CACHE_OPTIMUM; k++)
                    assert_true(where[k] != LISTED || l.nodes[k].worth >= rank.worth);
                for (uint32_t k = 0; k < NODES && policy == FH_CACHE_OPTIMUM; k++)
                    assert_true(where[k] != LISTED || ~l.nodes[k].stamp >= rank.stamp);
                assert_true((victim == FH_EVICT_NONE) == (listed == 0));
                if (victim != FH_EVICT_NONE) {
                    assert_int_equal(where[victim], LISTED);
                    where[victim] = OUT;
                    listed--;
                }
            } else if (where[i] == LISTED && fh_test_rng_below(&rng, 2) == 0) {
                fh_evict_leave(&l.e, i);
                where[i] = USED;
                listed--;
            } else {
                if (where[i] == OUT)
                    fh_evict_fresh(&l.e, i);
                if (policy == FH_CACHE_OPTIMUM)
                    fh_evict_next_use(&l.e, i, fh_test_rng_below(&rng, 1000));
                idle(&l, i, where[i] == OUT ? 0 : (uint32_t)fh_test_rng_below(&rng, 5));
                listed += where[i] != LISTED;
                where[i] = LISTED;
            }
            assert_true(l.e.count == listed && fh_evict_check(&l.e));
        }
        fh_evict_deinit(&l.e);
    }
}

/* Each kind of damage is seen. */
static void test_check_sees(void **state) {
    static lists l;
    for (int policy = FH_CACHE_LRU; policy <= FH_CACHE_OPTIMUM; policy++) {
        begin(&l, fh_test_allocator(state), (fh_cache_policy)policy);
        for (uint32_t i = 0; i < 6; i++) {
            fh_evict_fresh(&l.e, i);
            if (policy == FH_CACHE_OPTIMUM)
                fh_evict_next_use(&l.e, i, 10 * i);
            idle(&l, i, 0);
        }
        assert_true(fh_evict_check(&l.e));
        uint32_t *words[] = {&l.nodes[2].prev,      &l.nodes[3].next, &l.e.lists[0].oldest,
                             &l.e.lists[1].newest, &l.e.count,       &l.e.worthy};
        for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
            if (policy == FH_CACHE_OPTIMUM && w != 0)
                continue;
            uint32_t before = *words[w];
            *words[w] = w < 4 ? 5 : before + 1;
            if (before != *words[w])
                assert_false(fh_evict_check(&l.e));
            *words[w] = before;
        }
        uint64_t *wide[] = {&l.nodes[2].worth, &l.e.used, &l.e.base};
        for (size_t w = 0; w < sizeof wide / sizeof wide[0] && policy != FH_CACHE_OPTIMUM; w++) {
            uint64_t before = *wide[w];
            *wide[w] = before + 70;
            assert_false(fh_evict_check(&l.e));
            *wide[w] = before;
        }
        if (policy == FH_CACHE_OPTIMUM) {
            l.nodes[fh_evict_victim(&l.e)].stamp = 0;
            assert_false(fh_evict_check(&l.e));
        }
        fh_evict_deinit(&l.e);
    }
}

static fh_status body(fh_allocator *a, void *arg) {
    static lists l;
    static uint64_t keys[] = {1, 2, 1};
    fh_u64s next;
    (void)arg;
    FH_TRY(fh_evict_init(&l.e, a, FH_CACHE_OPTIMUM, &l.time, l.nodes, sizeof l.nodes[0], NODES));
    fh_status s = fh_evict_next_uses(a, (fh_u64s){keys, 3}, &next);
    fh_evict_deinit(&l.e);
    if (fh_failed(s))
        assert_true(next.at == NULL && next.count == 0);
    fh_u64s_free(a, &next);
    return s;
}

static void test_without_memory(void **state) {
    assert_int_equal(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_lru),      FH_TEST_ALLOC(test_slru),       FH_TEST_ALLOC(test_lfu),
        FH_TEST_ALLOC(test_lfu_window), FH_TEST_ALLOC(test_optimum),  FH_TEST_ALLOC(test_next_uses),
        FH_TEST_ALLOC(test_random),   FH_TEST_ALLOC(test_check_sees), FH_TEST_ALLOC(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
