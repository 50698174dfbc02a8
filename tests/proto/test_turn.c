/* test_turn.c: turns: exact rounds, and fairness while peers come and go. */
#include "fh_test.h"

#include "proto/turn.h"

static void test_rounds(void **state) {
    fh_turn t;
    fh_turn_init(&t, fh_test_allocator(state));
    assert_int_equal(fh_turn_take(&t), FH_NO_PEER);
    assert_int_equal(fh_turn_peek(&t), FH_NO_PEER);
    fh_turn_rest(&t, 5);
    fh_assert_ok(fh_turn_reserve(&t, 4));
    for (uint32_t i = 0; i < 4; i++)
        fh_turn_wake(&t, i);
    fh_turn_wake(&t, 2); /* is awake already */
    for (uint32_t i = 0; i < 8; i++)
        assert_int_equal(fh_turn_take(&t), i % 4);
    fh_turn_rest(&t, 1);
    assert_false(fh_turn_is_awake(&t, 1));
    assert_int_equal(fh_turn_take(&t), 0);
    assert_int_equal(fh_turn_take(&t), 2);
    fh_turn_wake(&t, 1); /* behind all that are awake: 3 0 2, then 1 */
    assert_int_equal(fh_turn_take(&t), 3);
    assert_int_equal(fh_turn_take(&t), 0);
    assert_int_equal(fh_turn_take(&t), 2);
    assert_int_equal(fh_turn_take(&t), 1);
    for (uint32_t i = 0; i < 4; i++)
        fh_turn_rest(&t, i);
    assert_int_equal(fh_turn_take(&t), FH_NO_PEER);
    fh_assert_code(fh_turn_reserve(&t, FH_NO_PEER), FH_LIMIT);
    fh_turn_deinit(&t);
}

/* Between two turns of a peer that stays awake, no other has more than one, and none that stayed awake has none. */
static void test_fair(void **state) {
    enum { PEERS = 40 };
    fh_test_rng rng = fh_test_rng_new(1);
    fh_turn t;
    fh_turn_init(&t, fh_test_allocator(state));
    bool awake[PEERS] = {false};
    uint64_t since[PEERS] = {0}, turns[PEERS][PEERS] = {{0}}; /* turns of others since the peer's last, if it stayed awake */
    size_t count = 0;
    for (uint64_t step = 1; step < 100000; step++) {
        uint32_t peer = (uint32_t)fh_test_rng_below(&rng, PEERS);
        switch (fh_test_rng_below(&rng, 8)) {
        case 0:
            fh_assert_ok(fh_turn_reserve(&t, peer + 1));
            fh_turn_wake(&t, peer);
            if (!awake[peer])
                for (size_t i = 0; i < PEERS; i++)
                    turns[peer][i] = turns[i][peer] = 0;
            count += !awake[peer];
            since[peer] = awake[peer] ? since[peer] : step;
            awake[peer] = true;
            break;
        case 1:
            fh_turn_rest(&t, peer);
            count -= awake[peer];
            awake[peer] = false;
            break;
        default:
            peer = fh_turn_take(&t);
            assert_int_equal(peer == FH_NO_PEER, count == 0);
            if (peer == FH_NO_PEER)
                break;
            assert_true(awake[peer]);
            for (size_t i = 0; i < PEERS; i++) {
                if (awake[i] && i != peer)
                    assert_true(++turns[i][peer] <= 2); /* one, and one from the round in which it came */
                turns[peer][i] = 0;
            }
        }
        assert_int_equal(t.awake, count);
    }
    fh_turn_deinit(&t);
}

static fh_status reserve_twice(fh_allocator *a, void *arg) {
    (void)arg;
    fh_turn t;
    fh_turn_init(&t, a);
    fh_status s = fh_turn_reserve(&t, 4);
    if (!fh_failed(s)) {
        fh_turn_wake(&t, 3);
        s = fh_turn_reserve(&t, 100);
        assert_int_equal(fh_turn_peek(&t), 3);
    }
    fh_turn_deinit(&t);
    return s;
}

static void test_each_allocation_fails(void **state) {
    assert_int_equal(FH_FAIL_EACH_ALLOC(fh_test_trace(state), reserve_twice, NULL), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_rounds), FH_TEST_ALLOC(test_fair),
                                       FH_TEST_ALLOC(test_each_allocation_fails)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
