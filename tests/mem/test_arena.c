/* test_arena.c: alignment, zeros, limits, and marks that are honoured once and in order. */
#include "fh_test.h"

#include <string.h>
#include <sys/wait.h>

#include "freehold/arena.h"

static fh_arena *new_arena(fh_allocator *a, size_t chunk_bytes, size_t limit_bytes) {
    fh_arena *arena = NULL;
    fh_assert_ok(fh_arena_new(a, chunk_bytes, limit_bytes, &arena));
    return arena;
}

static void test_alloc(void **state) {
    fh_arena *arena = new_arena(fh_test_allocator(state), 4096, 0);
    static const struct {
        size_t count, size, align;
    } rows[] = {{1, 1, 16}, {1, 3, 16}, {9, 7, 16}, {8, 8, 64}, {1, 64, 64}, {1, 5000, 64}, {1, 1, 16}, {100, 41, 64}};
    size_t used = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t *p = fh_arena_alloc(arena, rows[i].count, rows[i].size);
        size_t size = rows[i].count * rows[i].size;
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % rows[i].align, 0);
        for (size_t k = 0; k < size; k++)
            assert_int_equal(p[k], 0);
        memset(p, 0xee, size);
        used += size;
        assert_int_equal(fh_arena_used(arena), used);
    }
    assert_null(fh_arena_alloc(arena, 0, 8));
    assert_null(fh_arena_alloc(arena, 8, 0));
    assert_null(fh_arena_alloc(arena, SIZE_MAX / 8 + 2, 8)); /* 8, if it could overflow */
    assert_null(fh_arena_alloc(arena, 1, SIZE_MAX));
    assert_null(fh_arena_alloc(arena, 1, SIZE_MAX - 64));
    assert_int_equal(fh_arena_used(arena), used);
    fh_arena_free(arena);
    fh_arena_free(NULL);
}

static void test_copy(void **state) {
    fh_arena *arena = new_arena(fh_test_allocator(state), 0, 2048);
    fh_span out = FH_LIT("before");
    fh_assert_ok(fh_arena_copy(arena, FH_LIT("text"), &out));
    fh_assert_span(out, "text");
    fh_assert_ok(fh_arena_copy(arena, (fh_span){NULL, 0}, &out));
    assert_int_equal(out.size, 0);
    static const uint8_t big[4096];
    fh_assert_code(fh_arena_copy(arena, (fh_span){big, sizeof big}, &out), FH_NOMEM);
    assert_true(out.at == NULL && out.size == 0);
    fh_arena_free(arena);
}

/* The limit bounds what is asked of the allocator, and all of it can be used. */
static void test_limit(void **state) {
    fh_trace *t = fh_test_trace(state);
    fh_arena *arena = new_arena(fh_test_allocator(state), 1024, 2560);
    uint64_t empty = fh_trace_stats(t).live_bytes;
    assert_non_null(fh_arena_alloc(arena, 1, 1024));
    assert_non_null(fh_arena_alloc(arena, 1, 1024));
    assert_null(fh_arena_alloc(arena, 1, 513));
    assert_non_null(fh_arena_alloc(arena, 1, 512)); /* less than a whole chunk was left */
    assert_null(fh_arena_alloc(arena, 1, 1));
    assert_true(fh_trace_stats(t).live_bytes - empty <= 2560 + 3 * 64);
    fh_arena_free(arena);

    arena = new_arena(fh_test_allocator(state), 1 << 20, 4096); /* a limit below the chunk */
    assert_null(fh_arena_alloc(arena, 1, 4097));
    assert_non_null(fh_arena_alloc(arena, 1, 4096));
    fh_arena_free(arena);
}

static void test_mark_reset(void **state) {
    fh_trace *t = fh_test_trace(state);
    fh_arena *arena = new_arena(fh_test_allocator(state), 1024, 0);
    fh_mark start = fh_arena_mark(arena); /* before the first chunk */
    uint8_t *first = fh_arena_alloc(arena, 1, 20);
    memset(first, 1, 20);
    fh_mark m = fh_arena_mark(arena);
    uint8_t *second = fh_arena_alloc(arena, 1, 100);
    memset(second, 2, 100);
    memset(fh_arena_alloc(arena, 1, 3000), 3, 3000); /* a chunk of its own */
    memset(fh_arena_alloc(arena, 1, 900), 4, 900);   /* a further usual one */
    assert_int_equal(fh_trace_stats(t).live, 4);
    fh_assert_ok(fh_arena_reset(arena, m));
    assert_int_equal(fh_arena_used(arena), 20);
    assert_int_equal(fh_trace_stats(t).live, 3); /* the large one is gone, the usual one stays for later */
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(first[i], 1);

    uint8_t *again = fh_arena_alloc(arena, 1, 100);
    assert_ptr_equal(again, second); /* the same place, */
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(again[i], 0); /* zero again */
    uint8_t *spare = fh_arena_alloc(arena, 1, 950);
    for (size_t i = 0; i < 950; i++)
        assert_int_equal(spare[i], 0); /* also in the chunk that was used before */
    assert_int_equal(fh_trace_stats(t).live, 3);

    fh_assert_ok(fh_arena_reset(arena, start));
    assert_int_equal(fh_arena_used(arena), 0);
    assert_non_null(fh_arena_alloc(arena, 1, 1));
    assert_int_equal(fh_trace_stats(t).live, 3);
    fh_arena_free(arena);
}

static void test_stale_marks(void **state) {
    fh_arena *arena = new_arena(fh_test_allocator(state), 1024, 0), *other = new_arena(fh_test_allocator(state), 1024, 0);
    fh_mark zero = {0, 0};
    fh_assert_code(fh_arena_reset(arena, zero), FH_STALE);

    fh_mark outer = fh_arena_mark(arena);
    uint8_t *p = fh_arena_alloc(arena, 1, 8);
    *p = 9;
    fh_mark inner = fh_arena_mark(arena);
    fh_assert_code(fh_arena_reset(arena, outer), FH_STALE); /* not the newest */
    fh_assert_ok(fh_arena_reset(arena, inner));
    fh_assert_code(fh_arena_reset(arena, inner), FH_STALE); /* used */
    fh_mark fresh = fh_arena_mark(arena);                    /* at the depth of the used one */
    assert_true(fresh.depth == inner.depth);
    fh_mark forged = {fresh.depth - 1, fresh.generation};
    fh_assert_code(fh_arena_reset(arena, forged), FH_STALE);
    fh_assert_code(fh_arena_reset(arena, inner), FH_STALE);
    assert_int_equal(*p, 9); /* nothing of this ended anything */
    assert_int_equal(fh_arena_used(arena), 8);

    fh_mark theirs = fh_arena_mark(other), ours;
    fh_assert_ok(fh_arena_reset(arena, fresh));
    fh_assert_ok(fh_arena_reset(arena, outer));
    ours = fh_arena_mark(arena);
    assert_true(theirs.depth == ours.depth);
    fh_assert_code(fh_arena_reset(arena, theirs), FH_STALE); /* another arena's */
    fh_assert_ok(fh_arena_reset(arena, ours));
    fh_assert_ok(fh_arena_reset(other, theirs));
    fh_arena_free(arena);
    fh_arena_free(other);
}

static void mark_too_deep(void *arg) {
    for (int i = 0; i < 65; i++)
        (void)fh_arena_mark(arg);
}

static void test_depth(void **state) {
    fh_arena *arena = new_arena(fh_test_allocator(state), 1024, 0);
    fh_assert_dies(mark_too_deep, arena, "depth < MARKS_MAX");
    fh_mark marks[64];
    for (int i = 0; i < 64; i++)
        marks[i] = fh_arena_mark(arena);
    for (int i = 64; i-- > 0;)
        fh_assert_ok(fh_arena_reset(arena, marks[i]));
    fh_arena_free(arena);
}

/* Random allocations, marks and resets; every live allocation keeps its own content, and no two overlap. */
static void test_random(void **state) {
    enum { STEPS = 20000, LIVE_MAX = 4000, DEPTH_MAX = 20 };
    static struct {
        uint8_t *at;
        size_t size;
    } live[LIVE_MAX];
    size_t count = 0, counts[DEPTH_MAX], depth = 0;
    fh_mark marks[DEPTH_MAX];
    fh_test_rng rng = fh_test_rng_new(8);
    fh_arena *arena = new_arena(fh_test_allocator(state), 2048, 0);
    for (int step = 0; step < STEPS; step++) {
        uint64_t what = fh_test_rng_below(&rng, 100);
        if (what < 85 && count < LIVE_MAX) {
            size_t size = 1 + fh_test_rng_below(&rng, what < 3 ? 5000 : 200);
            uint8_t *p = fh_arena_alloc(arena, 1, size);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % (size >= 64 ? 64 : 16), 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(p[i], 0);
            memset(p, (int)(count % 255) + 1, size);
            live[count].at = p;
            live[count++].size = size;
        } else if (what < 93 && depth < DEPTH_MAX) {
            counts[depth] = count;
            marks[depth++] = fh_arena_mark(arena);
        } else if (depth > 0) {
            fh_assert_ok(fh_arena_reset(arena, marks[--depth]));
            count = counts[depth];
        }
        if (step % 500 == 0)
            for (size_t k = 0; k < count; k++)
                for (size_t i = 0; i < live[k].size; i++)
                    assert_int_equal(live[k].at[i], k % 255 + 1);
    }
    fh_arena_free(arena);
}

static fh_status body(fh_allocator *a, void *arg) {
    fh_arena *arena;
    (void)arg;
    FH_TRY(fh_arena_new(a, 1024, 0, &arena));
    fh_mark m = fh_arena_mark(arena);
    fh_status s = FH_DONE;
    for (size_t i = 0; i < 10; i++)
        if (fh_arena_alloc(arena, 1, 300 * i + 1) == NULL)
            s = FH_STATUS(FH_NOMEM);
    if (fh_failed(fh_arena_reset(arena, m)) || fh_arena_used(arena) != 0)
        s = FH_STATUS(FH_CORRUPT);
    fh_arena_free(arena);
    return s;
}

static void test_without_memory(void **state) {
    assert_true(FH_FAIL_EACH_ALLOC(fh_test_trace(state), body, NULL) >= 8);
}

static void touch_after_reset(void *arg) {
    fh_arena *arena = arg;
    fh_mark m = fh_arena_mark(arena);
    volatile uint8_t *p = fh_arena_alloc(arena, 1, 40);
    if (fh_failed(fh_arena_reset(arena, m)))
        return;
    p[39] = 1;
}

static void touch_tail(void *arg) {
    volatile uint8_t *p = fh_arena_alloc(arg, 1, 40);
    p[40] = 1;
}

/* AddressSanitizer sees what the arena has not handed out. */
static void test_poison(void **state) {
#ifndef FH_TEST_ASAN
    (void)state;
    (void)touch_after_reset;
    (void)touch_tail;
    fh_test_skip("this build has no address sanitizer");
#else
    fh_arena *arena = new_arena(fh_test_allocator(state), 4096, 0);
    void (*const fns[])(void *) = {touch_after_reset, touch_tail};
    for (size_t i = 0; i < 2; i++) {
        char said[8192];
        int status = fh_test_child(fns[i], arena, said, sizeof said);
        assert_int_not_equal(status, 0); /* a signal or an exit status, as ASAN_OPTIONS says */
        assert_non_null(strstr(said, "use-after-poison"));
    }
    fh_arena_free(arena);
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        FH_TEST_ALLOC(test_alloc),       FH_TEST_ALLOC(test_copy),  FH_TEST_ALLOC(test_limit),  FH_TEST_ALLOC(test_mark_reset),
        FH_TEST_ALLOC(test_stale_marks), FH_TEST_ALLOC(test_depth), FH_TEST_ALLOC(test_random),
        FH_TEST_ALLOC(test_without_memory),
        FH_TEST_ALLOC(test_poison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
