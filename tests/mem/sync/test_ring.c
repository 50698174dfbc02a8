/* test_ring.c: the single-producer single-consumer ring, by hand and between threads. Runs under ThreadSanitizer. */
#include "fh_test.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "freehold/ring.h"

typedef struct item {
    uint64_t number;
    uint32_t check;
} item;

FH_RING_DEFINE(item, item);
FH_RING_DEFINE(byte, uint8_t);
FH_RING_DEFINE(pointer, void *);

static item item_of(uint64_t number) {
    return (item){number, (uint32_t)fh_mix64(number)};
}

static void test_bad_options(void **state) {
    fh_allocator *a = fh_test_allocator(state);
    static const uint32_t capacities[] = {0, 3, 6, 1000, FH_RING_CAPACITY_MAX - 1, UINT32_C(1) << 31, UINT32_MAX};
    uint64_t allocs = fh_trace_stats(fh_test_trace(state)).allocs;
    fh_ring *ring = (fh_ring *)state;
    for (size_t i = 0; i < sizeof capacities / sizeof *capacities; i++)
        fh_assert_code(fh_ring_new(a, SIZE_MAX / 2, capacities[i], &ring), FH_INVALID); /* before it looks for memory */
    assert_null(ring);
    fh_assert_code(fh_ring_new(a, 0, 8, &ring), FH_INVALID);
    fh_assert_code(fh_ring_new(a, SIZE_MAX / 2 + 1, 2, &ring), FH_NOMEM);
    fh_assert_code(fh_ring_new(a, SIZE_MAX / 2 - 8, 2, &ring), FH_NOMEM);
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).allocs, allocs);
    fh_ring_free(NULL);
}

static void test_in_order(void **state) {
    item_ring r;
    fh_assert_ok(item_ring_new(fh_test_allocator(state), 4, &r));
    uint64_t in = 0, out = 0;
    for (int round = 0; round < 100; round++) {
        for (uint64_t i = 0; i < 4; i++) {
            item x = item_of(in);
            fh_assert_ok(item_ring_push(r, &x));
            assert_int_equal(item_ring_count(r), ++in - out);
            fh_assert_ok(fh_ring_check(r.ring, NULL));
        }
        item x = item_of(in);
        fh_assert_code(item_ring_push(r, &x), FH_AGAIN);
        fh_assert_code(item_ring_give(r, &x), FH_AGAIN);
        assert_true(x.number == in && x.check == (uint32_t)fh_mix64(in)); /* refused: still the caller's */
        for (uint64_t i = 0; i < (uint64_t)round % 4 + 1; i++, out++) {
            fh_assert_ok(item_ring_pop(r, &x));
            assert_true(x.number == out && x.check == (uint32_t)fh_mix64(out));
            fh_assert_ok(fh_ring_check(r.ring, NULL));
        }
        while (item_ring_pop(r, &x).code == FH_OK)
            out++;
        assert_true(in == out);
        x = item_of(77);
        fh_assert_code(item_ring_pop(r, &x), FH_AGAIN);
        assert_int_equal(x.number, 77);
    }
    item_ring_free(r);
}

static void test_one_place(void **state) {
    byte_ring r;
    fh_assert_ok(byte_ring_new(fh_test_allocator(state), 1, &r));
    for (int i = 0; i < 300; i++) {
        uint8_t x = (uint8_t)i, y = 0;
        fh_assert_ok(byte_ring_push(r, &x));
        fh_assert_code(byte_ring_push(r, &x), FH_AGAIN);
        fh_assert_ok(byte_ring_pop(r, &y));
        assert_int_equal(y, (uint8_t)i);
        fh_assert_code(byte_ring_pop(r, &y), FH_AGAIN);
    }
    byte_ring_free(r);
}

static void test_give(void **state) {
    pointer_ring r;
    int thing = 0;
    fh_assert_ok(pointer_ring_new(fh_test_allocator(state), 1, &r));
    void *mine = &thing, *other = &r, *got = NULL;
    fh_assert_ok(pointer_ring_give(r, &mine));
    assert_null(mine);
    fh_assert_code(pointer_ring_give(r, &other), FH_AGAIN);
    assert_ptr_equal(other, &r);
    fh_assert_ok(pointer_ring_pop(r, &got));
    assert_ptr_equal(got, &thing);
    fh_assert_ok(pointer_ring_close(r));
    fh_assert_code(pointer_ring_give(r, &other), FH_END);
    assert_ptr_equal(other, &r);
    pointer_ring_free(r);
}

static void test_batches(void **state) {
    byte_ring r;
    uint8_t in[16], out[16];
    size_t done = 9;
    fh_assert_ok(byte_ring_new(fh_test_allocator(state), 8, &r));
    fh_assert_ok(byte_ring_push_n(r, in, 0, &done));
    assert_int_equal(done, 0);
    fh_assert_code(byte_ring_pop_n(r, out, 3, &done), FH_AGAIN);
    assert_int_equal(done, 0);
    uint8_t next_in = 0, next_out = 0;
    for (size_t round = 0; round < 500; round++) {
        size_t want = round % 12 + 1, there = (size_t)byte_ring_count(r), room = 8 - there;
        for (size_t i = 0; i < want; i++)
            in[i] = (uint8_t)(next_in + i);
        fh_assert_code(byte_ring_push_n(r, in, want, &done), room > 0 ? FH_OK : FH_AGAIN);
        assert_int_equal(done, want < room ? want : room);
        next_in = (uint8_t)(next_in + done);
        fh_assert_ok(fh_ring_check(r.ring, NULL));
        there += done;
        want = round % 7 + 1;
        memset(out, 0xee, sizeof out);
        fh_assert_ok(byte_ring_pop_n(r, out, want, &done));
        assert_int_equal(done, want < there ? want : there);
        for (size_t i = 0; i < sizeof out; i++)
            assert_int_equal(out[i], i < done ? (uint8_t)(next_out + i) : 0xee);
        next_out = (uint8_t)(next_out + done);
        fh_assert_ok(fh_ring_check(r.ring, NULL));
    }
    byte_ring_free(r);
}

static void test_close(void **state) {
    byte_ring r;
    uint8_t x = 5, many[4];
    size_t done = 9;
    fh_assert_ok(byte_ring_new(fh_test_allocator(state), 4, &r));
    fh_assert_ok(byte_ring_push(r, &x));
    fh_assert_ok(byte_ring_push(r, &x));
    fh_assert_ok(byte_ring_push(r, &x));
    fh_assert_ok(byte_ring_close(r));
    fh_assert_ok(byte_ring_close(r));
    fh_assert_code(byte_ring_push(r, &x), FH_END);
    fh_assert_code(byte_ring_push_n(r, &x, 1, &done), FH_END);
    assert_int_equal(done, 0);
    assert_int_equal(byte_ring_count(r), 3);
    fh_assert_ok(byte_ring_pop(r, &x));
    fh_assert_ok(byte_ring_pop_n(r, many, 4, &done));
    assert_int_equal(done, 2);
    fh_assert_ok(fh_ring_check(r.ring, NULL));
    fh_assert_code(byte_ring_pop(r, &x), FH_END);
    fh_assert_code(byte_ring_pop_n(r, many, 4, &done), FH_END);
    assert_int_equal(done, 0);
    byte_ring_free(r);
}

/* A word that is wrong in each of its ways, found by the check. */
static void test_check(void **state) {
    byte_ring r;
    fh_err err = {0};
    uint8_t x = 1;
    fh_assert_ok(byte_ring_new(fh_test_allocator(state), 4, &r));
    for (int i = 0; i < 6; i++) {
        fh_assert_ok(byte_ring_push(r, &x));
        if (i < 4)
            fh_assert_ok(byte_ring_pop(r, &x));
    }
    uint64_t *words[] = {&r.ring->consumer.index, &r.ring->producer.index, &r.ring->producer.seen, &r.ring->consumer.seen};
    static const uint64_t wrong[] = {7, 9, 5, 7};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        uint64_t right = *words[i];
        *words[i] = wrong[i];
        fh_err_clear(&err);
        fh_assert_code(fh_ring_check(r.ring, &err), FH_CORRUPT);
        fh_assert_err(&err, FH_CORRUPT, "ring of 4");
        *words[i] = right;
        fh_assert_ok(fh_ring_check(r.ring, NULL));
    }
    byte_ring_free(r);
}

static fh_status body(fh_allocator *a, void *arg) {
    byte_ring r;
    (void)arg;
    FH_TRY(byte_ring_new(a, 64, &r));
    byte_ring_free(r);
    return FH_DONE;
}

static void test_without_memory(void **state) {
    assert_int_equal(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL), 1);
}

/* --- threads ---------------------------------------------------------------------------------------------------------- */

static void *as_stranger(void *arg) {
    byte_ring *r = arg;
    uint8_t x = 1;
    size_t done = 9;
    bool ok = byte_ring_push(*r, &x).code == FH_WRONG_THREAD && byte_ring_pop(*r, &x).code == FH_WRONG_THREAD &&
              byte_ring_push_n(*r, &x, 1, &done).code == FH_WRONG_THREAD && done == 0 &&
              byte_ring_pop_n(*r, &x, 1, &done).code == FH_WRONG_THREAD && byte_ring_close(*r).code == FH_WRONG_THREAD &&
              byte_ring_leave(*r).code == FH_WRONG_THREAD && byte_ring_count(*r) == 1;
    return ok ? arg : NULL;
}

static void *as_successor(void *arg) {
    byte_ring *r = arg;
    uint8_t x = 8;
    bool ok = byte_ring_pop(*r, &x).code == FH_OK && x == 7 && byte_ring_push(*r, &x).code == FH_OK &&
              byte_ring_leave(*r).code == FH_OK;
    return ok ? arg : NULL;
}

static void on_a_thread(void *(*fn)(void *), void *arg) {
    pthread_t thread;
    void *ok = NULL;
    assert_int_equal(pthread_create(&thread, NULL, fn, arg), 0);
    assert_int_equal(pthread_join(thread, &ok), 0);
    assert_non_null(ok);
}

static void test_owners(void **state) {
    byte_ring r;
    uint8_t x = 7;
    fh_assert_ok(byte_ring_new(fh_test_allocator(state), 4, &r));
    fh_assert_code(byte_ring_leave(r), FH_WRONG_THREAD); /* neither side is anybody's */
    fh_assert_code(byte_ring_pop(r, &x), FH_AGAIN);
    fh_assert_ok(byte_ring_push(r, &x));
    on_a_thread(as_stranger, &r);
    fh_assert_ok(fh_ring_check(r.ring, NULL));
    fh_assert_ok(byte_ring_leave(r));
    on_a_thread(as_successor, &r);
    fh_assert_ok(byte_ring_pop(r, &x));
    assert_int_equal(x, 7);
    byte_ring_free(r);
}

enum { ITEMS = 200000 };

static void *produce(void *arg) {
    item_ring *r = arg;
    fh_test_rng rng = fh_test_rng_new(1);
    item some[7];
    for (uint64_t sent = 0; sent < ITEMS;) {
        size_t count = (size_t)fh_test_rng_below(&rng, 7) + 1, done = 0;
        for (size_t i = 0; i < count; i++)
            some[i] = item_of(sent + i);
        fh_status s = count == 1 ? item_ring_push(*r, some) : item_ring_push_n(*r, some, count, &done);
        if (s.code == FH_AGAIN)
            sched_yield();
        else if (fh_failed(s))
            return NULL;
        else
            sent += count == 1 ? 1 : done;
    }
    return item_ring_close(*r).code == FH_OK ? arg : NULL;
}

/* Everything comes once, in order and whole, and then the end. */
static void test_two_threads(void **state) {
    for (uint32_t capacity = 1; capacity <= 64; capacity *= 8) {
        item_ring r;
        pthread_t thread;
        item some[5];
        void *ok = NULL;
        fh_test_rng rng = fh_test_rng_new(2);
        fh_assert_ok(item_ring_new(fh_test_allocator(state), capacity, &r));
        assert_int_equal(pthread_create(&thread, NULL, produce, &r), 0);
        uint64_t got = 0;
        for (;;) {
            size_t count = (size_t)fh_test_rng_below(&rng, 5) + 1, done = 1;
            fh_status s = count == 1 ? item_ring_pop(r, some) : item_ring_pop_n(r, some, count, &done);
            if (s.code == FH_END)
                break;
            if (s.code == FH_AGAIN) {
                sched_yield();
                continue;
            }
            fh_assert_ok(s);
            for (size_t i = 0; i < done; i++, got++)
                assert_true(some[i].number == got && some[i].check == (uint32_t)fh_mix64(got));
        }
        assert_int_equal(pthread_join(thread, &ok), 0);
        assert_non_null(ok);
        assert_true(got >= ITEMS);
        fh_assert_ok(fh_ring_check(r.ring, NULL));
        item_ring_free(r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_bad_options),    FH_TEST_ALLOC(test_in_order), FH_TEST_ALLOC(test_one_place),
        FH_TEST_ALLOC(test_give),           FH_TEST_ALLOC(test_batches),  FH_TEST_ALLOC(test_close),
        FH_TEST_ALLOC(test_check),          FH_TEST_ALLOC(test_owners),   FH_TEST_ALLOC(test_without_memory),
        FH_TEST_ALLOC(test_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
