/* test_segments.c: the ring of counted segments, by hand and with readers on other threads. Runs under ThreadSanitizer. */
#include "fh_test.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "freehold/segments.h"

enum { BYTES = 64 };

static fh_segment_ring *new_ring(fh_allocator *a, uint32_t capacity, uint64_t first) {
    fh_segment_ring *ring = NULL;
    fh_segment_ring_options options = {.segment_bytes = BYTES, .capacity = capacity, .first = first};
    fh_assert_ok(fh_segment_ring_new(a, &options, &ring));
    return ring;
}

static void append(fh_segment_ring *ring, uint8_t fill) {
    fh_mspan room;
    fh_assert_ok(fh_segment_ring_begin(ring, &room));
    assert_int_equal(room.size, BYTES);
    memset(room.at, fill, room.size);
    fh_assert_ok(fh_segment_ring_publish(ring));
}

static void check_live(void **state, uint64_t blocks) {
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).live, blocks);
}

static void test_bad_options(void **state) {
    static const fh_segment_ring_options bad[] = {
        {.segment_bytes = 0, .capacity = 4},
        {.segment_bytes = 8, .capacity = 0},
        {.segment_bytes = 8, .capacity = 3},
        {.segment_bytes = 8, .capacity = FH_SEGMENT_CAPACITY_MAX * 2},
        {.segment_bytes = 8, .capacity = UINT32_MAX},
        {.segment_bytes = 8, .capacity = 1, .first = UINT64_C(1) << 42},
        {.segment_bytes = 8, .capacity = 4, .first = UINT64_MAX},
    };
    fh_segment_ring *ring = (fh_segment_ring *)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        fh_assert_code(fh_segment_ring_new(fh_test_allocator(state), &bad[i], &ring), FH_INVALID);
    assert_null(ring);
    assert_int_equal(fh_trace_stats(fh_test_trace(state)).allocs, 0);
    fh_segment_ring_free(NULL);
}

static void test_write(void **state) {
    fh_segment_ring *ring = new_ring(fh_test_allocator(state), 2, 0);
    fh_mspan room, again;
    fh_assert_code(fh_segment_ring_publish(ring), FH_INVALID);
    fh_assert_ok(fh_segment_ring_begin(ring, &room));
    for (size_t i = 0; i < room.size; i++)
        assert_int_equal(room.at[i], 0);
    room.at[0] = 7;
    fh_assert_ok(fh_segment_ring_begin(ring, &again));
    assert_ptr_equal(again.at, room.at);
    assert_int_equal(again.at[0], 7);
    fh_segment_pin pin;
    fh_assert_code(fh_segment_ring_pin(ring, 0, 1, &pin), FH_AGAIN);
    fh_assert_ok(fh_segment_ring_publish(ring));
    append(ring, 1);
    fh_assert_code(fh_segment_ring_begin(ring, &room), FH_EXHAUSTED);
    assert_null(room.at);
    fh_assert_code(fh_segment_ring_drop(ring, 3), FH_INVALID);
    fh_segment_range r = fh_segment_ring_range(ring);
    assert_true(r.from == 0 && r.to == 2);
    fh_assert_ok(fh_segment_ring_drop(ring, 1));
    r = fh_segment_ring_range(ring);
    assert_true(r.from == 1 && r.to == 2);
    check_live(state, 2);
    fh_assert_ok(fh_segment_ring_begin(ring, &room)); /* is freed with the ring */
    check_live(state, 3);
    fh_assert_ok(fh_segment_ring_check(ring, NULL));
    fh_segment_ring_free(ring);
}

/* Memory goes exactly when the last of drop and unpin is done. */
static void test_last_leaves(void **state) {
    fh_segment_ring *ring = new_ring(fh_test_allocator(state), 4, 0);
    fh_segment_pin one, two, late;
    fh_span bytes;
    append(ring, 10);
    append(ring, 11);
    fh_assert_ok(fh_segment_ring_pin(ring, 0, 2, &one));
    fh_assert_ok(fh_segment_ring_pin(ring, 0, 1, &two));
    fh_assert_ok(fh_segment_ring_drop(ring, 2));
    check_live(state, 3);
    fh_assert_code(fh_segment_ring_pin(ring, 0, 1, &late), FH_STALE);
    fh_assert_code(fh_segment_ring_pin(ring, 0, 2, &late), FH_STALE);
    assert_null(late.ring);
    fh_assert_ok(fh_segment_pin_view(&one, 0, &bytes));
    assert_int_equal(fh_span_at(bytes, BYTES - 1), 10);
    fh_assert_ok(fh_segment_pin_drop(&one));
    check_live(state, 2);
    fh_assert_ok(fh_segment_pin_view(&two, 0, &bytes));
    assert_int_equal(fh_span_at(bytes, 0), 10);
    fh_segment_ring_stats stats = fh_segment_ring_stats_get(ring);
    assert_true(stats.live == 0 && stats.ghosts == 1 && stats.pins == 1);
    fh_assert_ok(fh_segment_pin_drop(&two));
    check_live(state, 1);
    fh_segment_ring_free(ring);
}

/* A pin on a dropped segment keeps its place, and only that. */
static void test_place_is_taken(void **state) {
    fh_segment_ring *ring = new_ring(fh_test_allocator(state), 2, 6);
    fh_segment_pin pin, late;
    fh_mspan room;
    append(ring, 6);
    append(ring, 7);
    fh_assert_ok(fh_segment_ring_pin(ring, 7, 8, &pin));
    fh_assert_ok(fh_segment_ring_drop(ring, 2));
    append(ring, 8);
    fh_assert_code(fh_segment_ring_begin(ring, &room), FH_BORROWED);
    assert_null(room.at);
    fh_assert_ok(fh_segment_pin_drop(&pin));
    append(ring, 9);
    /* Position 7 has the same place as 9: it stays stale, however often it is asked for. */
    fh_assert_code(fh_segment_ring_pin(ring, 7, 8, &late), FH_STALE);
    fh_assert_ok(fh_segment_ring_pin(ring, 9, 10, &pin));
    fh_assert_code(fh_segment_ring_pin(ring, 11, 12, &late), FH_AGAIN);
    fh_assert_ok(fh_segment_pin_drop(&pin));
    fh_segment_ring_free(ring);
}

static void test_pins(void **state) {
    fh_segment_ring *ring = new_ring(fh_test_allocator(state), 4, 0);
    fh_segment_pin pin, copy;
    fh_span bytes;
    for (uint8_t i = 0; i < 4; i++)
        append(ring, i);
    fh_assert_code(fh_segment_ring_pin(ring, 2, 2, &pin), FH_INVALID);
    fh_assert_code(fh_segment_ring_pin(ring, 3, 2, &pin), FH_INVALID);
    fh_assert_code(fh_segment_ring_pin(ring, 0, 5, &pin), FH_INVALID);
    fh_assert_code(fh_segment_ring_pin(ring, UINT64_MAX - 1, UINT64_MAX, &pin), FH_INVALID);
    fh_assert_code(fh_segment_ring_pin(ring, 2, 5, &pin), FH_AGAIN); /* and the first two are let go again */
    assert_int_equal(fh_segment_ring_stats_get(ring).pins, 0);
    assert_null(pin.ring);
    fh_assert_code(fh_segment_pin_view(&pin, 0, &bytes), FH_STALE);
    fh_assert_code(fh_segment_pin_drop(&pin), FH_DOUBLE_FREE);

    fh_assert_ok(fh_segment_ring_pin(ring, 1, 3, &pin));
    fh_assert_code(fh_segment_pin_view(&pin, 0, &bytes), FH_INVALID);
    fh_assert_code(fh_segment_pin_view(&pin, 3, &bytes), FH_INVALID);
    assert_null(bytes.at);
    copy = pin;
    fh_assert_ok(fh_segment_pin_drop(&pin));
    assert_null(pin.ring);
    fh_assert_code(fh_segment_pin_drop(&pin), FH_DOUBLE_FREE);
    fh_assert_code(fh_segment_pin_view(&copy, 1, &bytes), FH_STALE);
    fh_assert_ok(fh_segment_ring_pin(ring, 1, 2, &pin)); /* so the copy shows at segment 2 only */
    fh_assert_code(fh_segment_pin_drop(&copy), FH_DOUBLE_FREE);
    fh_assert_ok(fh_segment_pin_view(&pin, 1, &bytes)); /* nothing was taken from the pin that is */
    fh_assert_ok(fh_segment_pin_drop(&pin));
    fh_segment_ring_free(ring);
}

static void test_limits(void **state) {
    uint64_t end = UINT64_C(2) << 42;
    fh_segment_ring *ring = new_ring(fh_test_allocator(state), 2, end - 2);
    fh_segment_pin pin = {0}, more;
    fh_mspan room;
    append(ring, 1);
    append(ring, 2);
    for (uint32_t i = 0; i < FH_SEGMENT_PINS_MAX; i++)
        if (fh_segment_ring_pin(ring, end - 1, end, &pin).code != FH_OK)
            fail_msg("pin %u", i);
    fh_assert_code(fh_segment_ring_pin(ring, end - 1, end, &more), FH_LIMIT);
    fh_assert_code(fh_segment_ring_pin(ring, end - 2, end, &more), FH_LIMIT);
    assert_int_equal(fh_segment_ring_stats_get(ring).pins, FH_SEGMENT_PINS_MAX);
    fh_assert_code(fh_segment_ring_pin(ring, end - 1, end + 1, &more), FH_INVALID);
    fh_assert_ok(fh_segment_ring_drop(ring, 2));
    fh_assert_code(fh_segment_ring_begin(ring, &room), FH_LIMIT);
    for (uint32_t i = 0; i < FH_SEGMENT_PINS_MAX; i++) {
        more = pin;
        if (fh_segment_pin_drop(&more).code != FH_OK)
            fail_msg("unpin %u", i);
    }
    fh_assert_code(fh_segment_pin_drop(&pin), FH_DOUBLE_FREE);
    check_live(state, 1);
    fh_segment_ring_free(ring);
}

static void free_pinned(void *arg) {
    fh_segment_ring *ring = new_ring(arg, 2, 0);
    fh_segment_pin pin;
    append(ring, 1);
    if (fh_segment_ring_pin(ring, 0, 1, &pin).code == FH_OK)
        fh_segment_ring_free(ring);
}

static void test_freed_under_a_pin(void **state) {
    (void)state;
    fh_assert_dies(free_pinned, fh_heap(), "PINS) == 0");
}

static fh_status body(fh_allocator *a, void *arg) {
    fh_segment_ring *ring = NULL;
    fh_mspan room;
    (void)arg;
    FH_TRY(fh_segment_ring_new(a, &(fh_segment_ring_options){.segment_bytes = BYTES, .capacity = 2}, &ring));
    fh_status s = fh_segment_ring_begin(ring, &room);
    if (!fh_failed(s))
        s = fh_segment_ring_publish(ring);
    else if (room.at != NULL || !fh_failed(fh_segment_ring_publish(ring)) || fh_failed(fh_segment_ring_check(ring, NULL)))
        s = FH_STATUS(FH_CORRUPT);
    if (!fh_failed(s))
        s = fh_segment_ring_begin(ring, &room);
    fh_segment_ring_free(ring);
    return s;
}

static void test_without_memory(void **state) {
    assert_int_equal(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL), 3);
}

/* --- threads ---------------------------------------------------------------------------------------------------------- */

enum { READERS = 2, SEGMENTS = 20000, READS = 5000, CAPACITY = 8 };

typedef struct scene {
    fh_segment_ring *ring;
    atomic_bool over;
    atomic_uint done; /* readers that have read enough, or found something wrong */
} scene;

/* Pins what there is at random, and looks whether it is what its position says. False if it is not. */
static bool read_along(scene *s) {
    fh_test_rng rng = fh_test_rng_new((uint64_t)(uintptr_t)&rng);
    for (unsigned reads = 0; !atomic_load(&s->over);) {
        fh_segment_range r = fh_segment_ring_range(s->ring);
        fh_segment_pin pin;
        fh_span bytes;
        uint64_t from = r.from + fh_test_rng_below(&rng, r.to - r.from), to = from + 1 + fh_test_rng_below(&rng, 3);
        fh_status t = fh_segment_ring_pin(s->ring, from, to, &pin);
        if (t.code == FH_STALE || t.code == FH_AGAIN) {
            sched_yield();
            continue;
        }
        if (fh_failed(t))
            return false;
        for (int look = 0; look < 2; look++) {
            for (uint64_t p = from; p != to; p++)
                if (fh_segment_pin_view(&pin, p, &bytes).code != FH_OK || fh_span_at(bytes, 0) != (uint8_t)p ||
                    fh_span_at(bytes, BYTES - 1) != (uint8_t)p)
                    return false;
            if (fh_test_rng_below(&rng, 50) == 0)
                sched_yield(); /* the writer comes round meanwhile */
        }
        if (fh_failed(fh_segment_pin_drop(&pin)))
            return false;
        if (++reads == READS)
            atomic_fetch_add(&s->done, 1);
    }
    return true;
}

static void *reader(void *arg) {
    bool ok = read_along(arg);
    scene *s = arg;
    if (!ok)
        atomic_fetch_add(&s->done, READERS);
    return ok ? arg : NULL;
}

static void test_threads(void **state) {
    scene s = {.ring = new_ring(fh_test_allocator(state), CAPACITY, 0)};
    pthread_t threads[READERS];
    fh_mspan room;
    append(s.ring, 0);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader, &s), 0);
    for (uint64_t p = 1; p < SEGMENTS || atomic_load(&s.done) < READERS;) {
        fh_status t = fh_segment_ring_begin(s.ring, &room);
        if (t.code == FH_EXHAUSTED) {
            fh_assert_ok(fh_segment_ring_drop(s.ring, 1 + p % 4));
        } else if (t.code == FH_BORROWED) {
            sched_yield();
        } else {
            fh_assert_ok(t);
            memset(room.at, (uint8_t)p++, room.size);
            fh_assert_ok(fh_segment_ring_publish(s.ring));
        }
    }
    atomic_store(&s.over, true);
    for (size_t i = 0; i < READERS; i++) {
        void *ok = NULL;
        assert_int_equal(pthread_join(threads[i], &ok), 0);
        assert_non_null(ok);
    }
    fh_assert_ok(fh_segment_ring_check(s.ring, NULL));
    fh_segment_range r = fh_segment_ring_range(s.ring);
    check_live(state, 1 + r.to - r.from);
    fh_segment_ring_free(s.ring);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_bad_options),       FH_TEST_ALLOC(test_write),  FH_TEST_ALLOC(test_last_leaves),
        FH_TEST_ALLOC(test_place_is_taken),    FH_TEST_ALLOC(test_pins),   FH_TEST_ALLOC(test_limits),
        FH_TEST_ALLOC(test_freed_under_a_pin), FH_TEST_ALLOC(test_threads), FH_TEST_ALLOC(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
