/* test_alarms.c: timers against a list that is searched, and who is first among those due at once. */
#include "fh_test.h"

#include "net/alarms.h"

enum { MAX = 40 };

static void test_order(void **state) {
    fh_alarms t;
    fh_net_timer a, b, got;
    uint64_t user;
    fh_assert_ok(fh_alarms_init(&t, fh_test_allocator(state), MAX));
    assert_true(fh_alarms_next_ns(&t) == UINT64_MAX);
    assert_false(fh_alarms_take(&t, UINT64_MAX - 1, &got, &user));
    for (uint64_t i = 0; i < 10; i++)
        fh_assert_ok(fh_alarms_start(&t, 5, i, &a)); /* due at once: first come, first served */
    fh_assert_ok(fh_alarms_start(&t, 4, 99, &b));
    assert_int_equal(fh_alarms_next_ns(&t), 4);
    assert_false(fh_alarms_take(&t, 3, &got, &user));
    assert_true(fh_alarms_take(&t, 4, &got, &user));
    assert_true(got.value == b.value && user == 99);
    fh_assert_code(fh_alarms_stop(&t, b), FH_STALE);
    fh_assert_ok(fh_alarms_stop(&t, a)); /* the last of ten */
    for (uint64_t i = 0; i < 9; i++) {
        assert_true(fh_alarms_take(&t, 5, &got, &user));
        assert_int_equal(user, i);
    }
    assert_false(fh_alarms_take(&t, UINT64_MAX - 1, &got, &user));
    fh_alarms_deinit(&t);
}

static void test_random(void **state) {
    fh_test_rng rng = fh_test_rng_new(7);
    fh_alarms t;
    struct {
        fh_net_timer timer;
        uint64_t due, serial;
    } model[MAX];
    size_t count = 0;
    fh_net_timer got;
    uint64_t user, serial = 0, now = 0;
    fh_assert_ok(fh_alarms_init(&t, fh_test_allocator(state), MAX));
    for (uint64_t i = fh_test_ops() / 10; i > 0; i--) {
        uint64_t what = fh_test_rng_below(&rng, 3);
        if (what == 0 && count == MAX) {
            fh_assert_code(fh_alarms_start(&t, now, 0, &got), FH_EXHAUSTED);
        } else if (what == 0) {
            model[count].due = now + fh_test_rng_below(&rng, 50);
            model[count].serial = serial;
            fh_assert_ok(fh_alarms_start(&t, model[count].due, serial++, &model[count].timer));
            count++;
        } else if (what == 1 && count != 0) {
            size_t gone = (size_t)fh_test_rng_below(&rng, count);
            fh_assert_ok(fh_alarms_stop(&t, model[gone].timer));
            model[gone] = model[--count];
        } else {
            now += fh_test_rng_below(&rng, 20);
            size_t first = count;
            for (size_t k = 0; k < count; k++)
                if (first == count || model[k].due < model[first].due ||
                    (model[k].due == model[first].due && model[k].serial < model[first].serial))
                    first = k;
            bool is_due = first != count && model[first].due <= now;
            assert_int_equal(fh_alarms_take(&t, now, &got, &user), is_due);
            if (is_due) {
                assert_true(got.value == model[first].timer.value && user == model[first].serial);
                model[first] = model[--count];
            }
        }
        assert_int_equal(t.count, count);
    }
    fh_alarms_deinit(&t);
}

static fh_status start_some(fh_allocator *a, void *arg) {
    fh_alarms t;
    fh_net_timer timer;
    (void)arg;
    fh_status s = fh_alarms_init(&t, a, MAX);
    for (uint64_t i = 0; i < MAX && !fh_failed(s); i++) {
        s = fh_alarms_start(&t, i, i, &timer);
        assert_true(fh_failed(s) || t.count == i + 1);
    }
    fh_alarms_deinit(&t);
    return s;
}

static void test_without_memory(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), start_some, NULL) > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_order), FH_TEST_ALLOC(test_random),
                                       FH_TEST_ALLOC(test_without_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
