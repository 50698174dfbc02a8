/* test_lane.c: messages in order, marks, who is told, ends (lane.h). */
#include <pthread.h>

#include "fh_test.h"
#include "sock/lane.h"

static fh_message numbered(fh_allocator *a, uint64_t n) {
    uint8_t bytes[8] = {0};
    fh_message m = {0};
    fh_mspan_put_u64((fh_mspan){bytes, 8}, 0, n);
    fh_assert_ok(fh_message_push_copy(&m, a, (fh_span){bytes, 8}));
    return m;
}

/* Puts, and says whether the reader was told. */
static bool put(fh_allocator *a, fh_lane *l, uint64_t n) {
    fh_message m = numbered(a, n);
    assert_true(fh_lane_is_open(l));
    bool tell = fh_lane_put(l, &m);
    assert_int_equal(fh_message_count(&m), 0);
    return tell;
}

static bool pop(fh_allocator *a, fh_lane *l, uint64_t n) {
    fh_message m;
    bool tell;
    assert_int_equal(fh_lane_look(l), FH_LANE_MESSAGE);
    assert_int_equal(fh_span_u64(fh_message_view(fh_lane_first(l), 0), 0), n);
    fh_lane_pop(l, &m, &tell);
    fh_message_drop(&m, a);
    return tell;
}

/* A side is told exactly if it had to be told, once. */
static void test_told_once(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_lane l;
    fh_assert_ok(fh_lane_init(&l, a, 2));
    assert_false(put(a, &l, 0)); /* a new reader looks by itself */
    assert_false(pop(a, &l, 0));
    assert_int_equal(fh_lane_look(&l), FH_LANE_EMPTY);
    assert_true(put(a, &l, 1));
    assert_false(put(a, &l, 2));
    assert_false(pop(a, &l, 1)); /* the writer has not found it full */
    assert_false(put(a, &l, 3));
    assert_false(fh_lane_is_open(&l));
    assert_true(pop(a, &l, 2));
    assert_false(pop(a, &l, 3));
    assert_int_equal(fh_lane_look(&l), FH_LANE_EMPTY);
    assert_int_equal(fh_lane_look(&l), FH_LANE_EMPTY);
    assert_true(fh_lane_end(&l));
    assert_int_equal(fh_lane_look(&l), FH_LANE_ENDED);
    fh_lane_deinit(&l, a);
}

static void test_ends(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_lane l;
    fh_assert_ok(fh_lane_init(&l, a, 1));
    assert_false(put(a, &l, 0));
    assert_false(fh_lane_is_open(&l));
    assert_false(fh_lane_has_ended(&l));
    assert_false(fh_lane_end(&l)); /* the reader is awake */
    assert_true(fh_lane_has_ended(&l));
    assert_true(pop(a, &l, 0)); /* what is there comes first */
    assert_int_equal(fh_lane_look(&l), FH_LANE_ENDED);
    fh_lane_deinit(&l, a);
    fh_assert_ok(fh_lane_init(&l, a, 1));
    assert_false(fh_lane_leave(&l));
    assert_false(put(a, &l, 1)); /* nobody reads it: the lane's end drops it */
    assert_false(fh_lane_is_open(&l));
    assert_true(fh_lane_leave(&l));
    fh_lane_deinit(&l, a);
}

/* Never more than the mark, all in order, around the ring many times; marks that are no power of two, and none. */
static void test_marks(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_test_rng rng = fh_test_rng_new(2);
    for (uint32_t mark = 1; mark < 10; mark++) {
        fh_lane l;
        uint64_t in = 0, out = 0;
        fh_assert_ok(fh_lane_init(&l, a, mark));
        for (uint64_t n = 0; n < fh_test_ops() / 1000; n++) {
            if (fh_test_rng_below(&rng, 2) == 0) {
                if (fh_lane_is_open(&l))
                    (void)!put(a, &l, in++);
                else
                    assert_true(in - out > mark / 2); /* at least half of the mark is there */
            } else if (in != out) {
                (void)!pop(a, &l, out++);
            } else {
                assert_int_equal(fh_lane_look(&l), FH_LANE_EMPTY);
                assert_true(fh_lane_is_open(&l));
            }
            assert_true(in - out <= mark);
        }
        fh_lane_deinit(&l, a);
    }
    fh_lane l;
    fh_assert_ok(fh_lane_init(&l, a, 0));
    assert_int_equal(l.credit.mark, FH_LANE_MARK_MAX);
    assert_int_equal(l.slots.count, FH_LANE_MARK_MAX);
    fh_lane_deinit(&l, a);
    fh_trace_fail_at(fh_test_trace(state), 1);
    fh_assert_code(fh_lane_init(&l, a, 1), FH_NOMEM);
}

/* A lane that conflates has the newest message only, and is never full. */
static void test_newest(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_lane l;
    fh_assert_ok(fh_lane_init(&l, a, FH_LANE_CONFLATES));
    assert_int_equal(fh_lane_look(&l), FH_LANE_EMPTY);
    assert_true(put(a, &l, 0));
    for (uint64_t i = 1; i < 10; i++)
        assert_false(put(a, &l, i));
    assert_false(pop(a, &l, 9));
    assert_int_equal(fh_lane_look(&l), FH_LANE_EMPTY);
    assert_true(put(a, &l, 10));
    assert_int_equal(fh_lane_look(&l), FH_LANE_MESSAGE);
    assert_int_equal(fh_lane_look(&l), FH_LANE_MESSAGE); /* a second look finds it still */
    assert_false(put(a, &l, 11)); /* newer than the one that was looked at */
    assert_int_equal(fh_lane_look(&l), FH_LANE_MESSAGE);
    assert_int_equal(fh_lane_look(&l), FH_LANE_MESSAGE);
    assert_false(pop(a, &l, 11));
    assert_false(put(a, &l, 12));
    assert_int_equal(fh_lane_look(&l), FH_LANE_MESSAGE);
    assert_false(put(a, &l, 13));
    assert_false(fh_lane_end(&l));
    assert_false(pop(a, &l, 13));
    assert_int_equal(fh_lane_look(&l), FH_LANE_ENDED);
    fh_lane_deinit(&l, a);
    fh_assert_ok(fh_lane_init(&l, a, FH_LANE_CONFLATES)); /* what nobody read ends with it, in each of its places */
    for (uint64_t i = 0; i < 3; i++) {
        (void)!put(a, &l, i);
        assert_int_equal(fh_lane_look(&l), FH_LANE_MESSAGE);
    }
    (void)!put(a, &l, 3);
    fh_lane_deinit(&l, a);
}

enum { LAST_NUMBER = 20000 };

static void *write_all(void *arg) {
    fh_lane *l = arg;
    for (uint64_t i = 1; i <= LAST_NUMBER; i++)
        (void)!put(l->allocator, l, i);
    (void)!fh_lane_end(l);
    return NULL;
}

/* Two threads: numbers rise, and the last one comes. */
static void test_newest_threads(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    fh_lane l;
    pthread_t writer;
    uint64_t last = 0;
    fh_assert_ok(fh_lane_init(&l, a, FH_LANE_CONFLATES));
    assert_int_equal(pthread_create(&writer, NULL, write_all, &l), 0);
    for (fh_lane_state s = fh_lane_look(&l); s != FH_LANE_ENDED; s = fh_lane_look(&l)) {
        if (s == FH_LANE_EMPTY)
            continue;
        fh_message m;
        bool told = false;
        uint64_t first = fh_span_u64(fh_message_view(fh_lane_first(&l), 0), 0);
        fh_lane_pop(&l, &m, &told);
        assert_true(first > last);
        assert_true(fh_span_u64(fh_message_view(&m, 0), 0) == first); /* what was looked at is what is taken */
        last = first;
        fh_message_drop(&m, a);
    }
    assert_int_equal(last, LAST_NUMBER);
    assert_int_equal(pthread_join(writer, NULL), 0);
    fh_lane_deinit(&l, a);
}

int main(void) {
    const struct CMUnitTest tests[] = {FH_TEST_ALLOC(test_told_once), FH_TEST_ALLOC(test_ends), FH_TEST_ALLOC(test_marks),
                                       FH_TEST_ALLOC(test_newest), FH_TEST_ALLOC(test_newest_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
